package memorynet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// connected returns both ends of a connection, which are closed with the test.
func connected(t *testing.T) (client, server net.Conn) {
	t.Helper()
	network := New()
	listener := network.Listen()
	defer listener.Close()
	client, err := network.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

func TestNetworkDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		started := time.Now()
		client.SetReadDeadline(started.Add(time.Hour))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(started) != time.Hour {
			t.Errorf("reading nothing: got %v after %v", err, time.Since(started))
		}
		client.SetReadDeadline(time.Time{})
		started = time.Now()
		client.SetWriteDeadline(started.Add(time.Minute))
		n, err := client.Write(make([]byte, 2*capacity))
		if n != capacity || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(started) != time.Minute {
			t.Errorf("writing too much: got %d, %v after %v", n, err, time.Since(started))
		}
		client.SetDeadline(time.Time{})
		go func() {
			io.CopyN(io.Discard, server, capacity)
			io.WriteString(server, "x")
		}()
		if _, err := client.Read(make([]byte, 1)); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
	})
}

func TestNetworkCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		io.WriteString(client, "question")
		client.(interface{ CloseWrite() error }).CloseWrite()
		if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
			t.Errorf("the server read %q, %v", got, err)
		}
		if _, err := client.Write([]byte("x")); err == nil {
			t.Error("writing after CloseWrite succeeded")
		}
		io.WriteString(server, "answer")
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
			t.Errorf("the client read %q, %v", got, err)
		}
		client, server = connected(t)
		client.Close()
		if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("writing to a closed peer: %v", err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading after Close: %v", err)
		}
	})
}

func TestNetworkRefuses(t *testing.T) {
	network := New()
	listener := network.Listen()
	waiting, err := network.DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a connection that was not accepted: %v", err)
	}
	if _, err := network.DialContext(context.Background(), "tcp", listener.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a port without a listener: %v", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting on a closed listener: %v", err)
	}
}

// TestListenRest has a listener for all addresses but that of another one.
func TestListenRest(t *testing.T) {
	network := New()
	own, rest := network.Listen(), network.ListenRest()
	from := netip.MustParseAddrPort("192.0.2.7:5000")
	for address, listener := range map[string]net.Listener{own.Addr().String(): own, "198.18.0.1:80": rest} {
		client, err := network.DialFrom(from, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		server, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if server.LocalAddr().String() != address || server.RemoteAddr().String() != from.String() {
			t.Errorf("%s: from %s to %s", address, server.RemoteAddr(), server.LocalAddr())
		}
		client.Close()
	}
	if err := rest.Close(); err != nil {
		t.Error(err)
	}
	if _, err := network.DialFrom(from, "tcp", "198.18.0.1:80"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	if err := rest.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}
