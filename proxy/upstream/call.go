// Package upstream carries requests to endpoints, over HTTP/1.1 and HTTP/2, in plain text and over TLS. A Pool keeps the
// idle connections to one endpoint; a connection serves one request at a time, which the caller of RoundTrip writes,
// and whose reply it reads, itself.
//
// Unsolicited bytes of an endpoint end the connection and are never taken for a reply (RFC 9112
// section 6.3): they are looked for when a connection is given back, and once more right before the next request is
// written to it. The second look is in package wire; a connection on which it finds something is stale (wire.ErrStale), and
// another is used.
package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// Body is the body of a request as it comes from the client. The methods return io.EOF at its end; a piece is valid
// until the next call.
type Body interface {
	Available() ([]byte, error) // what was received already; may be empty
	Next() ([]byte, error)      // waits until there is something
	Ended() bool                // everything was read
	Trailers() []message.Field  // valid after io.EOF
}

// Client is the client's side of a call.
type Client interface {
	// CancelBody makes a running read of the body and all later ones fail. It may be called from any goroutine.
	CancelBody()
	// OnGone registers what is closed when the client disconnects; nil unregisters it.
	OnGone(closer io.Closer)
	// Gone reports whether the client has disconnected. It is called every watchInterval while the endpoint is slow.
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
	// body. Time does not pass while the client's body is awaited. Informational replies do not restart it.
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
	// Params are parameters of FastCGI, as fastcgi.AppendPair makes them, beside those of the request's fields.
	Params []byte
	Body   Body
	// BodyLimit is the largest body in bytes; 0 is no limit. A larger one fails with a *BodyError of status 413.
	BodyLimit int64
	// OwnConnection gives the call a new connection, which is closed after it.
	OwnConnection bool
	// HTTP10 sends the request in HTTP/1.0, on a connection of its own and without upgrade, unless the endpoint gets HTTP/2.
	// A body of unknown length that has not been received yet fails with a *BodyError of status 411.
	HTTP10   bool
	Client   Client
	Timeouts Timeouts

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

// smallBuffer is what connections read with until a body proves to be large, in bytes.
const smallBuffer = 4 << 10

// smallBody is how much of a body is sent together with the header, in bytes.
const smallBody = 8 << 10

var (
	errBodyTooLarge   = &message.Error{Status: 413, Reason: "the body is too large"}
	errLengthRequired = &message.Error{Status: 411, Reason: "the endpoint gets HTTP/1.0, which needs the length of the body"}
)

// Begin clears the state of the previous request of the client.
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
// a safe request without a body. After a late or malformed reply, the request is never retried.
func (c *Call) Retryable(err error) bool {
	var failed *Error
	if !errors.As(err, &failed) || c.consumed {
		return false
	}
	return !failed.Sent || failed.broken && c.Request.IsSafe() && !c.Request.HasBody()
}

// Repeatable reports whether the request may be sent to another endpoint although one may have processed it: a safe
// request without a body, or any whose body can be sent again if nonIdempotent is set.
func (c *Call) Repeatable(nonIdempotent bool) bool {
	return !c.consumed && (nonIdempotent || c.Request.IsSafe() && !c.Request.HasBody())
}

// gather reads the part of the body that was received already.
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

// closes reports whether the call's connection is closed after it.
func (c *Call) closes() bool { return c.OwnConnection || c.HTTP10 }

// count records a piece of the body that was read.
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

// Reply is an endpoint's reply. Its methods are for one goroutine.
type Reply interface {
	// Header is valid until Close.
	Header() *message.Response
	// Available returns what was received of the body without waiting, which may be nothing; at its end the error is io.EOF.
	// A piece is valid until the next call of Available or Next.
	Available() ([]byte, error)
	// Next is Available, but waits for something to be there. It fails with a time-out if the endpoint is silent for
	// Timeouts.Response, and with ErrClientGone if meanwhile the client disconnects.
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

// watchInterval is how long a read waits at most before it checks whether the client has disconnected.
const watchInterval = 300 * time.Millisecond

// wait is the time limit of a wait for an endpoint, which is made of shorter ones.
type wait struct {
	call  *Call
	pool  *Pool
	link  *wire.Link
	since time.Time
	// doubted is set when the endpoint has left the table.
	doubted bool

	// taken is how much the endpoint has accepted according to the link, and took when that last changed.
	taken uint64
	took  time.Time
}

// slice is how long the next read may take.
func (w *wait) slice() time.Duration { return min(watchInterval, w.call.Timeouts.Response) }

// observe records whether the endpoint has taken some of the body since the last call.
func (w *wait) observe(now time.Time) {
	if !w.call.sender.used {
		return
	}
	if taken := w.link.Taken(); taken != w.taken {
		w.taken, w.took = taken, now
	}
}

// overdue is an error when the whole time has passed, also if the endpoint sends something again and again. The time
// begins again when the endpoint has taken some of the body.
func (w *wait) overdue(now time.Time) error {
	if now.Sub(w.since) < w.call.Timeouts.Response {
		return nil
	}
	w.observe(now)
	w.since = w.call.sender.silentSince(w.since, now)
	if w.took.After(w.since) {
		w.since = w.took
	}
	if now.Sub(w.since) >= w.call.Timeouts.Response {
		return errSlow
	}
	return nil
}

// next decides what follows a read that has timed out: nil is another one.
func (w *wait) next() error {
	if w.call.Client.Gone() {
		return ErrClientGone
	}
	if !w.doubted && w.pool.Left() {
		w.doubted = true
		w.link.Doubt()
	}
	now := time.Now()
	w.observe(now)
	if err := w.proceed(now); err != nil {
		return err
	}
	return w.overdue(now)
}

// nextForHead is next while the header of the reply is awaited: an endpoint that took too long over the request is not waited for.
// One that is answering already may well take nothing any more.
func (w *wait) nextForHead() error {
	if err := w.next(); err != nil {
		return err
	}
	return w.call.sender.slow()
}

// continueAfter is how long an endpoint may leave "Expect: 100-continue" unanswered. Then the client is sent the answer:
// some endpoints know no expectations, and some clients wait without limit.
const continueAfter = time.Second

// proceed answers the client's expectation in the place of a silent endpoint.
func (w *wait) proceed(now time.Time) error {
	sender := &w.call.sender
	if sender.done == nil || sender.invited.Load() || now.Sub(w.since) < continueAfter {
		return nil
	}
	sender.invite()
	if err := w.call.Client.Informational(&message.Response{Status: http.StatusContinue}); err != nil {
		return errors.Join(ErrClientGone, err)
	}
	return nil
}
