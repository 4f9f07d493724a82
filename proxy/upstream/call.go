// Package upstream carries requests to endpoints, over HTTP/1.1 and HTTP/2, in plain text and over TLS. A Pool keeps the
// idle connections to one endpoint; a connection serves one request at a time, which whoever calls RoundTrip writes and
// whose reply it reads itself.
//
// Bytes that an endpoint sends without having been asked end the connection and are never taken for a reply (RFC 9112
// section 6.3): they are looked for when a connection is given back, and once more right before the next request is
// written to it.
package upstream

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Body is the body of a request as it comes from the client. The methods return io.EOF at its end; a piece is valid
// until the next call.
type Body interface {
	Available() ([]byte, error) // what is there without waiting; may be empty
	Next() ([]byte, error)      // waits until there is something
	Ended() bool                // everything was read
	Trailers() []message.Field  // valid after io.EOF
}

// Client is the client's side of a call.
type Client interface {
	// CancelBody makes a running read of the body and all later ones fail. It may be called from any goroutine.
	CancelBody()
	// OnGone registers what is closed when the client goes away; nil unregisters it.
	OnGone(closer io.Closer)
	// Gone reports whether the client has gone away. It is called every watchInterval while the endpoint is slow.
	Gone() bool
	// Informational sends a reply with a status of 1xx.
	Informational(reply *message.Response) error
	// Context is done when the client's connection is closed.
	Context() context.Context
}

// Timeouts bound how long an endpoint can keep a call waiting.
type Timeouts struct {
	Connect time.Duration // for a connection, TLS handshake included
	// Response is how long the endpoint may be silent, before the header of its reply and between the pieces of the
	// body. Time does not pass while the client's body is awaited. Interim replies do not start it anew.
	Response time.Duration
	Send     time.Duration // how long the endpoint may take nothing of the request
}

// Call is a request as endpoints get it. One Call serves the requests of a client's connection one after the other, so
// that nothing is allocated; Begin starts the next one. It must not be changed between RoundTrip and the reply's Close.
type Call struct {
	Request *message.Request
	// Path and Host are sent as the target's path and as Host or :authority; the query is the Request's.
	Path, Host []byte
	// Lines are field lines that are sent beside the request's own, each "Name: value\r\n".
	Lines []byte
	Body  Body
	// BodyLimit is the largest body in bytes; 0 is no limit. A larger one fails with a *BodyError of status 413.
	BodyLimit int64
	Client    Client
	Timeouts  Timeouts

	// BytesIn is the number of bytes of the body that were read from the client.
	BytesIn int64

	// prefix is the part of the body that was there when the request was first sent. It is kept until the endpoint
	// replies, so that the request can be sent again as long as the body was not read further.
	prefix   []byte
	gathered bool // prefix was read
	whole    bool // prefix is the whole body
	consumed bool // the body was read beyond the prefix
	sender   sender
}

// smallBody is how much of a body is sent together with the header, in bytes.
const smallBody = 8 << 10

var errBodyTooLarge = &message.Error{Status: 413, Reason: "the body is too large"}

// Begin forgets the previous request of the client.
func (c *Call) Begin() {
	c.BytesIn = 0
	c.prefix = c.prefix[:0]
	if cap(c.prefix) > 2*smallBody {
		c.prefix = nil
	}
	c.gathered, c.whole, c.consumed = false, false, false
}

// Retryable reports whether the request may be sent to another endpoint after RoundTrip has failed: if it was not sent or
// the endpoint refused to process it, every request whose body can be sent again; if the connection broke before a reply,
// a safe request without a body. A reply that is late or malformed is never asked for again.
func (c *Call) Retryable(err error) bool {
	var failed *Error
	if !errors.As(err, &failed) || c.consumed {
		return false
	}
	return !failed.Sent || failed.broken && c.Request.IsSafe() && !c.Request.HasBody()
}

// gather reads what is there of the body.
func (c *Call) gather() error {
	if c.gathered {
		return nil
	}
	c.gathered = true
	if !c.Request.HasBody() {
		c.whole = true
		return nil
	}
	for len(c.prefix) < smallBody {
		piece, err := c.Body.Available()
		if errors.Is(err, io.EOF) {
			c.whole = true
			return nil
		}
		if err == nil {
			err = c.count(piece)
		}
		if err != nil {
			return &BodyError{err}
		}
		if len(piece) == 0 {
			return nil
		}
		c.prefix = append(c.prefix, piece...)
	}
	return nil
}

// count notes a piece of the body that was read.
func (c *Call) count(piece []byte) error {
	c.BytesIn += int64(len(piece))
	if c.BodyLimit > 0 && c.BytesIn > c.BodyLimit {
		return errBodyTooLarge
	}
	return nil
}

// forgetPrefix frees the memory of a prefix that is not needed again.
func (c *Call) forgetPrefix() {
	if cap(c.prefix) > smallBuffer {
		c.prefix = nil
	}
}

// takesInterim reports whether the client understands replies with a status of 1xx (RFC 9110 section 15.2).
func (c *Call) takesInterim() bool { return c.Request.Major == 2 || c.Request.Minor >= 1 }
