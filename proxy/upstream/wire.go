package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// wire is a TCP connection whose requests are written when their reply is read for. A read by package net tries first
// and waits then, which right after a request is a system call in vain. Here one call of the runtime (syscall.RawConn)
// looks whether anything is there, writes the request if nothing is, and waits for the reply without another attempt.
// What arrives after that look makes the connection readable and ends the wait, so that nothing is missed.
//
// That look costs one recv for each request. It is what keeps bytes that nobody asked for from being taken for the
// reply.
type wire struct {
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

	records *recordReader // over TLS
	reused  bool          // the connection has served a request
	ended   bool          // the peer has closed its side
}

func (w *wire) init(conn net.Conn) {
	w.conn = conn
	tcp, is := conn.(*net.TCPConn)
	if !is {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		w.raw, w.step = raw, w.proceed
	}
}

// send makes the next Read write request first, which must not be changed until then. Pending reports whether Read has.
func (w *wire) send(request []byte) {
	w.unsent, w.untouched = request, true
}

// Read implements io.Reader. Without waiting, when nothing is there, the error is errNothing.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.read(p)
	if n > 0 && w.records != nil {
		w.records.follow(p[:n])
	}
	if errors.Is(err, io.EOF) {
		w.ended = true
	}
	return n, err
}

func (w *wire) read(p []byte) (int, error) {
	if w.raw == nil || len(w.unsent) == 0 && !w.probing {
		return w.conn.Read(p)
	}
	w.into, w.n, w.err = p, 0, nil
	err := w.raw.Read(w.step)
	w.into = nil
	switch {
	case w.err != nil && errors.Is(w.err, errNothing), errors.Is(w.err, errStale):
		return 0, w.err
	case w.err != nil:
		return 0, &net.OpError{Op: "round trip", Net: "tcp", Source: w.conn.LocalAddr(), Addr: w.conn.RemoteAddr(), Err: w.err}
	case err != nil:
		return 0, err
	case w.n > 0:
		return w.n, nil
	case len(w.unsent) > 0 && !w.untouched: // the connection has not taken it all at once
		rest := w.unsent
		w.unsent = nil
		if _, err := w.conn.Write(rest); errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, errSlowSend
		} else if err != nil {
			return 0, err
		}
		return w.conn.Read(p)
	}
	return 0, io.EOF
}

// proceed reads; if nothing is there it writes the request and reports false, to be called again when there is.
func (w *wire) proceed(fd uintptr) (done bool) {
	w.n, w.err = ignoringInterrupts(unix.Read, fd, w.into)
	if !errors.Is(w.err, unix.EAGAIN) {
		return true
	}
	w.err = nil
	switch {
	case w.reused && w.records != nil && w.records.within() && (w.probing || w.untouched):
		w.err = errStale // the rest of the record is on its way
		return true
	case w.probing:
		w.err = errNothing
		return true
	case len(w.unsent) == 0:
		return false
	}
	n, err := ignoringInterrupts(unix.Write, fd, w.unsent)
	if errors.Is(err, unix.EAGAIN) {
		n, err = 0, nil
	}
	w.untouched = err != nil && n == 0
	if w.unsent = w.unsent[n:]; len(w.unsent) > 0 {
		w.err = err
		return true
	}
	return false
}

// Write implements io.Writer.
func (w *wire) Write(p []byte) (int, error) {
	if w.deferring || len(w.unsent) > 0 {
		w.gathered = append(w.gathered, p...)
		w.unsent = w.gathered
		return len(p), nil
	}
	return w.conn.Write(p)
}

// errNothing is the error of a read that does not wait. It is temporary, so that crypto/tls does not keep it.
var errNothing net.Error = &timeoutError{"nothing is there to be read"}

// ignoringInterrupts repeats a system call that a signal has interrupted.
func ignoringInterrupts(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

// Close implements net.Conn, as do the following: crypto/tls works on a wire.
func (w *wire) Close() error { return w.conn.Close() }

// LocalAddr implements net.Conn.
func (w *wire) LocalAddr() net.Addr { return w.conn.LocalAddr() }

// RemoteAddr implements net.Conn.
func (w *wire) RemoteAddr() net.Addr { return w.conn.RemoteAddr() }

// SetDeadline implements net.Conn.
func (w *wire) SetDeadline(t time.Time) error { return w.conn.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(t time.Time) error { return w.conn.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (w *wire) SetWriteDeadline(t time.Time) error { return w.conn.SetWriteDeadline(t) }
