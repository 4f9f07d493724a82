// Package memorynet is a network in memory.
package memorynet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Network is a network within the process: for exchanges that must not leave it, and for tests in the fake time of package
// testing/synctest, where a goroutine that waits for a real connection would stop the clock. Its connections buffer like the kernel's, have deadlines in both
// directions, and can be closed in one of them. It has no loss and no delay. Its methods may be called concurrently.
type Network struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	rest      *listener // accepts what no other does; nil for none
	lastPort  uint16
}

// New makes a network without listeners.
func New() *Network {
	return &Network{listeners: make(map[netip.AddrPort]*listener), lastPort: 1023}
}

// Listen listens on a port that was not used yet.
func (n *Network) Listen() net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{network: n, address: n.address(), queue: make(chan *conn, 128), closed: make(chan struct{})}
	n.listeners[l.address] = l
	return l
}

// ListenRest accepts the connections to all addresses that have no listener of their own. Their local addresses are those
// that were dialled.
func (n *Network) ListenRest() net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = &listener{network: n, address: n.address(), queue: make(chan *conn, 128), closed: make(chan struct{})}
	return n.rest
}

// address returns an unused address; n.mu must be held.
func (n *Network) address() netip.AddrPort {
	n.lastPort++
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), n.lastPort)
}

// DialContext connects to a listener. Without one the connection is refused.
func (n *Network) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dial(n.address(), network, address)
}

// DialFrom is DialContext for a client with that address.
func (n *Network) DialFrom(from netip.AddrPort, network, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dial(from, network, address)
}

// dial connects an address to a listener; n.mu must be held.
func (n *Network) dial(from netip.AddrPort, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("dialling %s: %w", address, err)
	}
	l := n.listeners[to]
	if l == nil {
		l = n.rest
	}
	refused := &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	up, down := newStream(), newStream()
	select {
	case l.queue <- &conn{in: up, out: down, local: to, remote: from}:
		return &conn{in: down, out: up, local: from, remote: to}, nil
	default:
		return nil, refused
	}
}

type listener struct {
	network *Network
	address netip.AddrPort
	queue   chan *conn
	closed  chan struct{}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close implements net.Listener. Connections that were not accepted are closed.
func (l *listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	switch l {
	case l.network.rest:
		l.network.rest = nil
	case l.network.listeners[l.address]:
		delete(l.network.listeners, l.address)
	default:
		return net.ErrClosed
	}
	close(l.closed)
	for {
		select {
		case c := <-l.queue:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.address) }

// conn is one end of a connection.
type conn struct {
	in, out       *stream
	local, remote netip.AddrPort
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }

// CloseWrite ends the sending direction.
func (c *conn) CloseWrite() error {
	c.out.change(func(s *stream) { s.ended = true })
	return nil
}

// Close implements net.Conn. What was written before can still be read by the peer, whose own writes fail.
func (c *conn) Close() error {
	c.in.change(func(s *stream) { s.abandoned = true })
	c.out.change(func(s *stream) { s.ended = true })
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.in.change(func(s *stream) { s.reading.set(s, t) })
	c.out.change(func(s *stream) { s.writing.set(s, t) })
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.change(func(s *stream) { s.reading.set(s, t) })
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.change(func(s *stream) { s.writing.set(s, t) })
	return nil
}

// capacity is how many bytes a direction buffers.
const capacity = 64 << 10

// stream is one direction of a connection.
type stream struct {
	mu        sync.Mutex
	changed   *sync.Cond
	data      []byte
	ended     bool // by the writer
	abandoned bool // by the reader
	reading   limit
	writing   limit
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) change(do func(*stream)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
	s.changed.Broadcast()
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.abandoned:
			return 0, net.ErrClosed
		case s.reading.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.data) > 0 || len(p) == 0:
			n := copy(p, s.data)
			if s.data = s.data[n:]; len(s.data) == 0 {
				s.data = nil
			}
			s.changed.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended:
			return written, net.ErrClosed
		case s.abandoned:
			return written, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
		case s.writing.passed():
			return written, os.ErrDeadlineExceeded
		case len(p) == 0:
			return written, nil
		case len(s.data) < capacity:
			n := min(len(p), capacity-len(s.data))
			s.data = append(s.data, p[:n]...)
			p, written = p[n:], written+n
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

// limit is a deadline; the zero value is none.
type limit struct {
	at    time.Time
	timer *time.Timer
}

// set changes the deadline of a stream that is locked.
func (l *limit) set(s *stream, at time.Time) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.at = at; !at.IsZero() {
		l.timer = time.AfterFunc(time.Until(at), func() { s.change(func(*stream) {}) })
	}
}

func (l *limit) passed() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }
