package http2

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// memConn is one end of a connection in memory that buffers without limit, so that a test may write before it reads,
// unless its peer is to read nothing.
type memConn struct {
	net.Conn // nil: for the methods that are not used
	in, out  *half
}

// half is one direction of a connection.
type half struct {
	mu         sync.Mutex
	changed    sync.Cond
	data       []byte
	ended      bool // by the writer
	abandoned  bool // by the reader
	full       bool // writes wait
	deadline   time.Time
	deadlineAt *time.Timer
}

func memPipe() (client, server *memConn) {
	a, b := newHalf(), newHalf()
	return &memConn{in: a, out: b}, &memConn{in: b, out: a}
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (c *memConn) Read(p []byte) (int, error) {
	h := c.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.abandoned:
			return 0, net.ErrClosed
		case !h.deadline.IsZero() && !time.Now().Before(h.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(h.data) > 0:
			n := copy(p, h.data)
			if h.data = h.data[n:]; len(h.data) == 0 {
				h.data = nil // benchmarks count what connections keep
			}
			return n, nil
		case h.ended:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (c *memConn) Write(p []byte) (int, error) {
	h := c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.full && !h.abandoned && !h.ended {
		h.changed.Wait()
	}
	if h.abandoned || h.ended {
		return 0, syscall.EPIPE
	}
	h.data = append(h.data, p...)
	h.changed.Broadcast()
	return len(p), nil
}

func (c *memConn) CloseWrite() error {
	c.out.set(func(h *half) { h.ended = true })
	return nil
}

func (c *memConn) Close() error {
	c.in.set(func(h *half) { h.abandoned = true })
	return c.CloseWrite()
}

func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

func (c *memConn) SetReadDeadline(at time.Time) error {
	c.in.set(func(h *half) {
		h.deadline = at
		if h.deadlineAt != nil {
			h.deadlineAt.Stop()
		}
		if !at.IsZero() {
			h.deadlineAt = time.AfterFunc(time.Until(at), func() { h.set(func(*half) {}) })
		}
	})
	return nil
}

func (h *half) set(change func(*half)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
	h.changed.Broadcast()
}

// take returns what can be read without waiting, and whether the writer has ended.
func (h *half) take() ([]byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data := h.data
	h.data = nil
	return data, h.ended
}
