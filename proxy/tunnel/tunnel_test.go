package tunnel_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/tunnel"
)

// limit is how long these tests wait for what must come at once.
const limit = 20 * time.Second

// pair is a TCP connection: what the tunnel gets, and its peer.
func pair(t *testing.T) (conn, peer *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	dialled.SetDeadline(time.Now().Add(limit))
	return accepted.(*net.TCPConn), dialled.(*net.TCPConn)
}

// run runs a tunnel between two connections, which it closes at the end as its users do.
func run(client, endpoint net.Conn, idle time.Duration) (ended <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := tunnel.Tunnel{Client: client, Endpoint: endpoint, Idle: idle}
		t.Run(nil, nil)
		client.Close()
		endpoint.Close()
	}()
	return done
}

// endOf reads a connection to its end.
func endOf(conn net.Conn) error {
	_, err := io.Copy(io.Discard, conn)
	return err
}

// breakOff resets a connection.
func breakOff(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	if err := errors.Join(conn.SetLinger(0), conn.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestBrokenOff has either side break off: the other one must see a reset, and not an end.
func TestBrokenOff(t *testing.T) {
	for _, side := range []string{"client", "endpoint"} {
		client, clientPeer := pair(t)
		endpoint, endpointPeer := pair(t)
		ended := run(client, endpoint, time.Hour)
		broken, other := clientPeer, endpointPeer
		if side == "endpoint" {
			broken, other = endpointPeer, clientPeer
		}
		breakOff(t, broken)
		if err := endOf(other); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the %s breaks off: the other side sees %v, want a reset", side, err)
		}
		<-ended
	}
}

// TestBrokenOffOverTLS checks that the peer of a TLS connection gets neither close_notify nor the end of the connection.
func TestBrokenOffOverTLS(t *testing.T) {
	certificate, err := certs.SelfSigned("h")
	if err != nil {
		t.Fatal(err)
	}
	conn, connPeer := pair(t)
	endpoint, endpointPeer := pair(t)
	client := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*certificate}})
	peer := tls.Client(connPeer, &tls.Config{InsecureSkipVerify: true})
	accepted := make(chan error, 1)
	go func() { accepted <- client.Handshake() }()
	if err := errors.Join(peer.Handshake(), <-accepted); err != nil {
		t.Fatal(err)
	}
	ended := run(client, endpoint, time.Hour)
	breakOff(t, endpointPeer)
	if err := endOf(peer); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v, want a reset", err)
	}
	<-ended
}

// TestEnded has one side end its direction, then the other: both see an end, and what was sent before.
func TestEnded(t *testing.T) {
	client, clientPeer := pair(t)
	endpoint, endpointPeer := pair(t)
	ended := run(client, endpoint, time.Hour)
	io.WriteString(clientPeer, "question")
	clientPeer.CloseWrite()
	if got, err := io.ReadAll(endpointPeer); string(got) != "question" || err != nil {
		t.Errorf("the endpoint got %q, %v", got, err)
	}
	io.WriteString(endpointPeer, "answer")
	endpointPeer.Close()
	if got, err := io.ReadAll(clientPeer); string(got) != "answer" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
	<-ended
}

// TestIdle ends both connections in the usual way.
func TestIdle(t *testing.T) {
	client, clientPeer := pair(t)
	endpoint, endpointPeer := pair(t)
	ended := run(client, endpoint, time.Millisecond)
	for _, peer := range []net.Conn{clientPeer, endpointPeer} {
		if err := endOf(peer); err != nil {
			t.Errorf("got %v", err)
		}
	}
	<-ended
}
