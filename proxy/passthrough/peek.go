package passthrough

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/ingress-testbed/testbed/proxy/tunnel"
)

// helloLimit is how many bytes are read at most to find the server name. Clients send from 200 bytes to 2 KiB, and Go
// accepts messages of up to 64 KiB.
const helloLimit = 32 << 10

// Errors of peek.
var (
	errHelloRead    = errors.New("the first message of the handshake was read")
	errHelloTooLong = errors.New("the first message of the handshake is too long")
)

// peek reads the first message of a TLS handshake, and returns its server name (SNI, RFC 6066 section 3) and a connection
// that begins with what was read. The name is "" if the message has none, or is none of TLS. The error is one of the
// connection, the time-out included.
func peek(conn net.Conn, timeout time.Duration) (serverName string, replay *replayed, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return "", nil, err
	}
	seen := &recorder{conn: conn}
	config := &tls.Config{ // no handshake takes place: clients with old versions are forwarded, too
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			serverName = hello.ServerName
			return nil, errHelloRead
		},
	}
	// The error reports whether the message was read, could not be read, or is not one; the latter two end in the same way: the
	// proxy's own handshake reads it again.
	handshake := tls.Server(seen, config).Handshake()
	if seen.err != nil && !errors.Is(handshake, errHelloRead) {
		return "", nil, fmt.Errorf("reading the first message of the handshake: %w", seen.err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return "", nil, err
	}
	return serverName, &replayed{Conn: conn, unread: seen.read}, nil
}

// recorder keeps what is read from a connection, and writes nothing to it.
type recorder struct {
	conn net.Conn
	read []byte
	err  error // the first one
}

// Read implements net.Conn.
func (r *recorder) Read(p []byte) (int, error) {
	if len(r.read) >= helloLimit {
		r.err = errHelloTooLong
		return 0, r.err
	}
	n, err := r.conn.Read(p[:min(len(p), helloLimit-len(r.read))])
	r.read = append(r.read, p[:n]...)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}

// Write implements net.Conn: alerts are dropped.
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }

// Close implements net.Conn.
func (r *recorder) Close() error { return nil }

// LocalAddr implements net.Conn.
func (r *recorder) LocalAddr() net.Addr { return r.conn.LocalAddr() }

// RemoteAddr implements net.Conn.
func (r *recorder) RemoteAddr() net.Addr { return r.conn.RemoteAddr() }

// SetDeadline implements net.Conn: the deadline is that of peek.
func (r *recorder) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (r *recorder) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

// replayed is a connection that begins with bytes that were read from it already.
type replayed struct {
	net.Conn
	unread []byte
}

// Read implements net.Conn.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.unread) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.unread)
	if r.unread = r.unread[n:]; len(r.unread) == 0 {
		r.unread = nil
	}
	return n, nil
}

// CloseWrite ends the direction to the client.
func (r *replayed) CloseWrite() error {
	tunnel.CloseWrite(r.Conn)
	return nil
}

// SetLinger sets SO_LINGER of a TCP connection.
func (r *replayed) SetLinger(seconds int) error {
	if tcp, is := r.Conn.(interface{ SetLinger(seconds int) error }); is {
		return tcp.SetLinger(seconds)
	}
	return syscall.EINVAL // not a socket
}

// SyscallConn implements syscall.Conn, by which disconnects are detected.
func (r *replayed) SyscallConn() (syscall.RawConn, error) {
	if system, is := r.Conn.(syscall.Conn); is {
		return system.SyscallConn()
	}
	return nil, syscall.EINVAL // not a socket
}
