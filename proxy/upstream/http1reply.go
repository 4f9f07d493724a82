package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// start begins to read the reply's body.
func (c *http1Conn) start() {
	hasBody := c.reply.HasBody(c.call.Request.Method)
	length, chunked := c.reply.Length, c.reply.Chunked
	if !hasBody {
		length, chunked = 0, false
	}
	c.untilClose = length < 0 && !chunked
	c.body.StartReply(&c.in, length, chunked)
	c.more = c.in.Filled() && c.link.Secure() == nil // the probe of a TLS connection is for a request only
	if length > http1.LargeBuffer/16 {
		c.in.Enlarge()
	}
}

// Header implements Reply.
func (c *http1Conn) Header() *message.Response { return &c.reply }

// Trailers implements Reply.
func (c *http1Conn) Trailers() []message.Field { return c.body.Trailers() }

// RequestSent implements Reply.
func (c *http1Conn) RequestSent() bool { return c.call.sender.finished() }

// Available implements Reply. Once a reply it looks at the connection, if there probably is more: then the beginning of the
// body, which has come with the header, and what follows can be written at once.
func (c *http1Conn) Available() ([]byte, error) {
	piece, err := c.body.Available()
	if len(piece) == 0 && err == nil && c.more {
		c.more = false
		c.probing = true
		piece, err = c.body.Next()
		c.probing = false
		if errors.Is(err, io.ErrNoProgress) { // nothing was received
			return nil, nil
		}
	}
	return c.note(piece, err)
}

// Next implements Reply.
func (c *http1Conn) Next() ([]byte, error) {
	c.waiting.since = time.Now()
	for {
		piece, err := c.body.Next()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return c.note(piece, err)
		}
		if err := c.waiting.next(); err != nil {
			return c.note(nil, err)
		}
		c.releaseRequest()
	}
}

// note records that the rest of the reply can't be read.
func (c *http1Conn) note(piece []byte, err error) ([]byte, error) {
	if err != nil && !c.body.Ended() {
		c.broken = true
	}
	return piece, err
}

// Hijack implements Reply.
func (c *http1Conn) Hijack() (net.Conn, []byte) {
	c.hijacked = true
	c.call.Client.OnGone(nil)
	return c.link.Hijack(), c.in.Peek()
}

// Close implements Reply.
func (c *http1Conn) Close() error {
	call := c.call
	if c.hijacked {
		c.release()
		return nil
	}
	call.Client.OnGone(nil)
	reusable := !c.pool.fastCGI && c.reply.Status != 101 && c.body.Ended() && !c.broken && !call.closes() && !c.untilClose && !c.reply.Close &&
		c.in.Buffered() == 0 && c.link.Keepable()
	var err error
	if !call.sender.finished() {
		reusable = false
		_ = c.link.Close()
		if fault := call.sender.stop(call.Client); fault != nil {
			err = fault
		}
	}
	c.release()
	if reusable {
		c.pool.put(c)
	} else {
		_ = c.link.Close()
	}
	return err
}

// release drops the call and its buffers.
func (c *http1Conn) release() {
	c.in.Release()
	c.call, c.waiting.call = nil, nil
	if cap(c.out) > smallBuffer {
		c.out = make([]byte, 0, 2<<10)
	}
}
