package wire

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/proxy/deadline"
)

// socket is a TCP connection whose requests are written when their reply is read for. A read by package net tries
// first and waits then, which right after a request is a wasted system call. Here one call of the runtime
// (syscall.RawConn) looks whether anything was received, writes the request if nothing was, and waits for the reply
// without another attempt. What arrives after that look makes the connection readable and ends the wait, so that
// nothing is missed.
//
// That look costs one recv for each request. It keeps unsolicited bytes from being taken for the reply.
type socket struct {
	conn net.Conn
	raw  syscall.RawConn // nil if conn is not a *net.TCPConn
	step func(fd uintptr) (done bool)

	deferring bool   // Write gathers
	gathered  []byte // by Write
	unsent    []byte // is written by Read
	untouched bool   // nothing of unsent was written
	probing   bool   // Read does not wait

	into []byte
	n    int
	err  error

	limit    time.Duration // for which writes may wait without progress; 0 is none
	deadline deadline.Lazy // of writes
	written  atomic.Uint64 // bytes, by deliver

	records *recordReader // over TLS
	reused  bool          // the connection has served a request
	ended   bool          // the peer has closed its side
}

func (s *socket) init(conn net.Conn) {
	s.conn = conn
	tcp, is := conn.(*net.TCPConn)
	if !is {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		s.raw, s.step = raw, s.proceed
	}
}

// send makes the next Read write request first, which must not be changed until then. Pending reports whether Read has.
func (s *socket) send(request []byte) {
	s.unsent, s.untouched = request, true
}

// Read implements io.Reader. While probing, when nothing was received, the error is errNothing.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.read(p)
	if n > 0 && s.records != nil {
		s.records.follow(p[:n])
	}
	if errors.Is(err, io.EOF) {
		s.ended = true
	}
	return n, err
}

func (s *socket) read(p []byte) (int, error) {
	if s.raw == nil || len(s.unsent) == 0 && !s.probing {
		return s.conn.Read(p)
	}
	s.into, s.n, s.err = p, 0, nil
	err := s.raw.Read(s.step)
	s.into = nil
	switch {
	case s.err != nil && errors.Is(s.err, errNothing), errors.Is(s.err, ErrStale):
		return 0, s.err
	case s.err != nil:
		return 0, &net.OpError{Op: "round trip", Net: "tcp", Source: s.conn.LocalAddr(), Addr: s.conn.RemoteAddr(), Err: s.err}
	case err != nil:
		return 0, err
	case s.n > 0:
		return s.n, nil
	case len(s.unsent) > 0 && !s.untouched: // the connection has not taken it all at once
		rest := s.unsent
		s.unsent = nil
		if _, err := s.deliver(rest); err != nil {
			return 0, err
		}
		return s.conn.Read(p)
	}
	return 0, io.EOF
}

// proceed reads; if nothing was received it writes the request and reports false, to be called again when something
// was.
func (s *socket) proceed(fd uintptr) (done bool) {
	s.n, s.err = ignoringInterrupts(unix.Read, fd, s.into)
	if !errors.Is(s.err, unix.EAGAIN) {
		return true
	}
	s.err = nil
	switch {
	case s.reused && s.records != nil && s.records.within() && (s.probing || s.untouched):
		s.err = ErrStale // the rest of the record is on its way
		return true
	case s.probing:
		s.err = errNothing
		return true
	case len(s.unsent) == 0:
		return false
	}
	n, err := ignoringInterrupts(unix.Write, fd, s.unsent)
	if errors.Is(err, unix.EAGAIN) {
		n, err = 0, nil
	}
	s.untouched = err != nil && n == 0
	if s.unsent = s.unsent[n:]; len(s.unsent) > 0 {
		s.err = err
		return true
	}
	return false
}

// Write implements io.Writer.
func (s *socket) Write(p []byte) (int, error) {
	if s.deferring || len(s.unsent) > 0 {
		s.gathered = append(s.gathered, p...)
		s.unsent = s.gathered
		return len(p), nil
	}
	return s.deliver(p)
}

// ignoringInterrupts repeats a system call that a signal has interrupted.
func ignoringInterrupts(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

// Close implements net.Conn, as do the following: crypto/tls works on a socket.
func (s *socket) Close() error { return s.conn.Close() }

// SetLinger sets SO_LINGER of a TCP connection.
func (s *socket) SetLinger(seconds int) error {
	if tcp, is := s.conn.(interface{ SetLinger(seconds int) error }); is {
		return tcp.SetLinger(seconds)
	}
	return syscall.EINVAL // not a socket
}

// SyscallConn implements syscall.Conn.
func (s *socket) SyscallConn() (syscall.RawConn, error) {
	if s.raw == nil {
		return nil, syscall.EINVAL // not a socket
	}
	return s.raw, nil
}

// LocalAddr implements net.Conn.
func (s *socket) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr implements net.Conn.
func (s *socket) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// SetDeadline implements net.Conn.
func (s *socket) SetDeadline(t time.Time) error { return s.conn.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error { return s.conn.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.conn.SetWriteDeadline(t) }
