package upstream

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// Reply is an endpoint's reply. Its methods are for one goroutine.
type Reply interface {
	// Header is valid until Close.
	Header() *message.Response
	// Available returns what is there of the body without waiting, which may be nothing; at its end the error is io.EOF.
	// A piece is valid until the next call of Available or Next.
	Available() ([]byte, error)
	// Next is Available, but waits for something to be there. It fails with a time-out if the endpoint is silent for
	// Timeouts.Response, and with ErrClientGone if meanwhile the client goes away.
	Next() ([]byte, error)
	// Trailers is valid after io.EOF, until Close.
	Trailers() []message.Field
	// RequestSent reports whether the whole body of the request was sent.
	RequestSent() bool
	// Hijack returns the connection after a reply with status 101, and what was read from it beyond the header. The
	// caller closes the connection; deadlines are as they were set last. Close must still be called.
	Hijack() (net.Conn, []byte)
	// Close ends the exchange: the connection is kept if both messages have ended well, else closed. It returns a
	// *BodyError if reading the request's body failed.
	Close() error
}

// start begins to read the reply's body.
func (c *http1Conn) start() {
	hasBody := c.reply.HasBody(c.call.Request.Method)
	length, chunked := c.reply.Length, c.reply.Chunked
	if !hasBody {
		length, chunked = 0, false
	}
	c.untilClose = length < 0 && !chunked
	c.body.StartReply(&c.in, length, chunked)
	if length > http1.LargeBuffer/16 {
		c.enlarge()
	}
}

// Header implements Reply.
func (c *http1Conn) Header() *message.Response { return &c.reply }

// Trailers implements Reply.
func (c *http1Conn) Trailers() []message.Field { return c.body.Trailers() }

// RequestSent implements Reply.
func (c *http1Conn) RequestSent() bool { return c.call.sender.finished() }

// Available implements Reply.
func (c *http1Conn) Available() ([]byte, error) { return c.note(c.body.There()) }

// Next implements Reply.
func (c *http1Conn) Next() ([]byte, error) {
	c.waiting.since = time.Now()
	if c.filled && !c.enlarged {
		c.enlarge()
	}
	for {
		piece, err := c.body.Next()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return c.note(piece, err)
		}
		if err := c.waiting.next(); err != nil {
			return c.note(nil, err)
		}
		c.shrink()
	}
}

// note remembers that the reply can't be read on.
func (c *http1Conn) note(piece []byte, err error) ([]byte, error) {
	if err != nil && !c.body.Ended() {
		c.broken = true
	}
	return piece, err
}

func (c *http1Conn) enlarge() {
	c.in.Enlarge()
	c.enlarged = true
}

// shrink gives back the memory for a large body that does not come. The header of the reply stays where it is.
func (c *http1Conn) shrink() {
	if c.enlarged && c.in.Buffered() == 0 {
		c.in.Release()
		c.in = http1.Buffer{}
		c.in.Reset(http1Input{c})
		c.enlarged, c.filled = false, false
	}
	c.releaseRequest()
}

// Hijack implements Reply.
func (c *http1Conn) Hijack() (net.Conn, []byte) {
	c.hijacked = true
	c.call.Client.OnGone(nil)
	return c.hijack(), c.in.Peek()
}

// Close implements Reply.
func (c *http1Conn) Close() error {
	call := c.call
	call.Client.OnGone(nil)
	if c.hijacked {
		c.release()
		return nil
	}
	reusable := c.reply.Status != 101 && c.body.Ended() && !c.broken && !c.untilClose && !c.reply.Close &&
		c.in.Buffered() == 0 && c.keepable()
	var err error
	if !call.sender.finished() {
		reusable = false
		c.link.Close()
		if fault := call.sender.stop(call.Client); fault != nil {
			err = fault
		}
	}
	c.release()
	if reusable {
		c.pool.put(c)
	} else {
		c.link.Close()
	}
	return err
}

// release forgets the call, and its memory.
func (c *http1Conn) release() {
	c.in.Release()
	c.enlarged, c.filled = false, false
	c.call, c.waiting.call = nil, nil
	if cap(c.out) > smallBuffer {
		c.out = make([]byte, 0, 2<<10)
	}
}
