package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/internal/freeport"
)

// ownHost dials this machine and has credentials for one registry.
type ownHost struct{ hostNetwork }

func (ownHost) Credentials(ctx context.Context, repository string) (Credentials, error) {
	switch repository {
	case "private.example/web":
		return Credentials{Username: "me", Password: "secret"}, nil
	case "broken.example/web":
		return Credentials{}, errors.New("no helper")
	case "hanging.example/web":
		<-ctx.Done()
		return Credentials{}, ctx.Err()
	}
	return Credentials{}, nil
}

// serveHostTest serves a host and returns the test network's side of it.
func serveHostTest(t *testing.T, handler HostHandler) *Host {
	t.Helper()
	a, b, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	host, err := NewHost(a)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := unixConn(b)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ServeHost(context.Background(), socket, handler)
	}()
	t.Cleanup(func() { // the host's side ends with the test network
		host.Close()
		<-done
	})
	return host
}

func TestHostConnectionsWork(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	host := serveHostTest(t, ownHost{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			conn, err := host.Dial(t.Context(), "tcp", echo.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			conn.Write([]byte("hello"))
			conn.(*net.TCPConn).CloseWrite()
			if got, err := io.ReadAll(conn); err != nil || string(got) != "hello" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	all.Wait()
}

func TestHostReportsErrors(t *testing.T) {
	host := serveHostTest(t, ownHost{})
	if _, err := host.Dial(t.Context(), "tcp", freeport.Reserve(t).String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("want connection refused, got %v", err)
	}
	if _, err := host.Credentials(t.Context(), "broken.example/web"); err == nil || !strings.Contains(err.Error(), "no helper") {
		t.Errorf("credentials: %v", err)
	}
}

func TestHostHasCredentials(t *testing.T) {
	host := serveHostTest(t, ownHost{})
	for repository, want := range map[string]Credentials{
		"private.example/web": {Username: "me", Password: "secret"}, "public.example/web": {},
	} {
		if got, err := host.Credentials(t.Context(), repository); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", repository, got, err, want)
		}
	}
}

func TestHostRequestEndsWithItsContext(t *testing.T) {
	host := serveHostTest(t, ownHost{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := host.Credentials(ctx, "hanging.example/web"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestHostRequestFailsOnceTheHostIsGone(t *testing.T) {
	a, b, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	host, err := NewHost(a)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	b.Close()
	if _, err := host.Credentials(t.Context(), "public.example/web"); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v", err)
	}
}

// refusingHost refuses all requests.
type refusingHost struct{ refusing }

func (refusingHost) Credentials(context.Context, string) (Credentials, error) {
	return Credentials{}, errRefused
}

func FuzzServeHost(f *testing.F) {
	f.Add([]byte(`{"dial":{"network":"tcp","address":"nowhere"}}` + "\n"))
	f.Add([]byte(`{"credentials":"a/b"}` + "\n"))
	f.Add([]byte("{}\n"))
	f.Add(bytes.Repeat([]byte("x"), longestLine+1))
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, theirs := unixPair(t)
		defer ours.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer theirs.Close()
			serveHost(t.Context(), theirs, refusingHost{})
		}()
		ours.Write(input)
		ours.CloseWrite()
		io.Copy(io.Discard, ours)
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatal("the server hangs")
		}
	})
}
