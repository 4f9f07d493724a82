package upstream

import (
	"io"
	"net"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// Header implements Reply.
func (c *http2Conn) Header() *message.Response { return &c.reply }

// Trailers implements Reply.
func (c *http2Conn) Trailers() []message.Field { return c.trailers }

// RequestSent implements Reply.
func (c *http2Conn) RequestSent() bool { return c.call.sender.finished() }

// Hijack implements Reply. HTTP/2 has no change of protocols, and no reply with status 101.
func (c *http2Conn) Hijack() (net.Conn, []byte) { return nil, nil }

// Available implements Reply.
func (c *http2Conn) Available() ([]byte, error) {
	event, err := c.next()
	var piece []byte
	switch {
	case err != nil:
	case event == dataRead:
		piece, err = c.take()
	case event == endRead:
		return nil, io.EOF
	}
	if err != nil {
		c.broken = true
	}
	return piece, err
}

// Next implements Reply.
func (c *http2Conn) Next() ([]byte, error) {
	c.waiting.since = time.Now()
	for {
		piece, err := c.Available()
		if err != nil || len(piece) > 0 {
			return piece, err
		}
		if err := c.fill(); err != nil {
			c.broken = true
			return nil, err
		}
	}
}

// Close implements Reply.
func (c *http2Conn) Close() error {
	call := c.call
	call.Client.OnGone(nil)
	if c.state != replyEnded && !c.broken { // an end without data may be there
		_, _ = c.next()
	}
	reusable := c.state == replyEnded && !c.broken && !c.leaving && !call.closes() && c.stream < lastStream && c.link.Keepable()
	var err error
	if !call.sender.finished() {
		if !reusable || !c.cancelStream() {
			reusable = false
			c.abort()
		}
		if fault := call.sender.stop(call.Client); fault != nil {
			err, reusable = fault, false
		}
	}
	if reusable && c.flushQuickly() {
		c.release()
		c.pool.put(c)
	} else {
		c.abort()
		c.release()
	}
	return err
}

// cancelStream ends a request whose rest the endpoint does not need. It reports false if it is being written.
func (c *http2Conn) cancelStream() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		return false
	}
	if !c.resetByPeer {
		c.out = frames.AppendReset(c.out, c.stream, xhttp2.ErrCodeCancel)
	}
	if c.resetErr == nil {
		c.resetErr = &resetError{xhttp2.ErrCodeCancel}
	}
	c.changed.Broadcast()
	return true
}

// flushQuickly writes the frames that answer others, if the endpoint takes them at once: some wait for the answer to their
// SETTINGS no longer than for a request.
func (c *http2Conn) flushQuickly() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing || c.writeErr != nil {
		return false
	}
	if len(c.out) == 0 {
		return true
	}
	c.link.LimitSend(scheduled)
	err := c.link.Write(c.out)
	c.out = c.out[:0]
	return err == nil
}

// release drops the call and its buffers.
func (c *http2Conn) release() {
	c.in.Release()
	c.call, c.waiting.call = nil, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if cap(c.out) > smallBuffer && len(c.out) == 0 {
		c.out = nil
	}
	if cap(c.spare) > smallBuffer {
		c.spare = nil
	}
}
