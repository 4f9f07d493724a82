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

// asking is a request that leaves when its reply is read for. A read by package net tries first and waits then, which
// right after a request is a system call in vain. Here the runtime begins to look for the reply, then the request
// leaves, and the read waits without having tried.
type asking struct {
	raw    syscall.RawConn // nil if the connection can only be written to and read from, as over TLS
	step   func(fd uintptr) (done bool)
	unsent []byte
	into   []byte // where the reply goes
	n      int
	err    error
	asked  time.Time
	limit  time.Duration // of the wait for the reply, from then on
	brief  bool          // reads may end sooner than that
}

// unseen is how long a wait may last, at most, that has not tried to read. An endpoint that had ended the connection
// before the request left is only noticed by trying, unless it resets the connection: a Pod that is gone does not.
const unseen = 200 * time.Millisecond

// prepare makes ready for asking, if the connection is of a kind that can be asked: what wraps a TCP connection may do
// more than to read and write.
func (a *asking) prepare(connection net.Conn) {
	tcp, is := connection.(*net.TCPConn)
	if !is {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		a.raw, a.step = raw, a.proceed
	}
}

// Ask sends a whole request, at the latest with the next read of In. Until then it must not be changed; if it can't
// be sent, the read returns the error.
func (c *Conn) Ask(request []byte) error {
	if c.asking.raw == nil {
		_, err := c.Write(request)
		return err
	}
	c.asking.unsent = request
	return nil
}

// ExtendRead makes reads that start now end after limit. The time of a request that has not left yet begins when it
// does.
func (c *Conn) ExtendRead(now time.Time, limit time.Duration) error {
	a := &c.asking
	if a.brief = a.unsent != nil; a.brief {
		a.limit = limit
		return nil
	}
	return c.read.Extend(c.SetReadDeadline, now, limit)
}

// Read implements io.Reader for In.
func (c *Conn) Read(p []byte) (int, error) {
	a := &c.asking
	if a.unsent == nil {
		return c.readOn(p)
	}
	a.asked = time.Now()
	if err := c.read.Extend(c.SetReadDeadline, a.asked, min(unseen, a.limit/2)); err != nil {
		a.unsent = nil
		return 0, err
	}
	a.into, a.n, a.err = p, 0, nil
	err := a.raw.Read(a.step)
	rest := a.unsent
	a.unsent, a.into = nil, nil
	late := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case late && rest == nil:
		return c.readOn(p)
	case err != nil && !late:
		return 0, err
	case a.err != nil:
		return 0, &net.OpError{Op: "ask", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: a.err}
	case rest != nil: // the connection did not take it all at once
		if _, err := c.Write(rest); err != nil {
			return 0, err
		}
		a.asked = time.Now()
		return c.readOn(p)
	case a.n == 0:
		return 0, io.EOF
	}
	return a.n, nil
}

// readOn reads by trying first, until the end of the whole limit.
func (c *Conn) readOn(p []byte) (int, error) {
	if a := &c.asking; a.brief {
		a.brief = false
		if err := c.read.Extend(c.SetReadDeadline, a.asked, a.limit); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// proceed sends, the first time, and reads. It reports false to wait until there is something to read.
func (a *asking) proceed(fd uintptr) (done bool) {
	if a.unsent != nil {
		n, err := ignoringInterrupts(unix.Write, fd, a.unsent)
		if errors.Is(err, unix.EAGAIN) {
			n, err = 0, nil
		}
		if a.unsent = a.unsent[n:]; len(a.unsent) > 0 {
			a.err = err
			return true
		}
		a.unsent = nil
		return false
	}
	a.n, a.err = ignoringInterrupts(unix.Read, fd, a.into)
	if errors.Is(a.err, unix.EAGAIN) {
		a.err = nil
		return false
	}
	return true
}

// ignoringInterrupts makes a system call again that a signal has interrupted.
func ignoringInterrupts(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}
