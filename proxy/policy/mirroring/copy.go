package mirroring

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/upstream/own"
)

const (
	// mostCopies is how many copies for one server are kept or sent at the same time.
	mostCopies = 128
	// mostBody is the largest body of a copy, mostBytes that of all bodies for one server, in bytes.
	mostBody, mostBytes = 1 << 20, 16 << 20
	// connectTimeout and replyTimeout bound how long a server may take, wholeTimeout a copy.
	connectTimeout, replyTimeout, wholeTimeout = 5 * time.Second, 10 * time.Second, 30 * time.Second
	// mostFields is how many fields a copy may have: the request had no more.
	mostFields = 1 << 10
)

// load is what the copies for one server take up.
type load struct {
	copies, bytes atomic.Int64
}

func newLoad() *load { return new(load) }

// begin reports whether there may be another copy.
func (l *load) begin() bool {
	if l.copies.Add(1) <= mostCopies {
		return true
	}
	l.copies.Add(-1)
	return false
}

func (l *load) end(body int) {
	l.bytes.Add(-int64(body))
	l.copies.Add(-1)
}

// requestCopy is the copy of one request. Its methods are called one after the other.
type requestCopy struct {
	mirror *mirror
	pool   *upstream.Pool
	head   []byte
	body   []byte
	done   bool // sent or left out
}

// Piece implements policy.BodyCopy.
func (c *requestCopy) Piece(piece []byte) {
	switch {
	case c.done:
	case len(c.body)+len(piece) > mostBody:
		c.Release()
	case c.mirror.load.bytes.Add(int64(len(piece))) > mostBytes:
		c.body = append(c.body, piece...) // so that Release returns all of it
		c.Release()
	default:
		c.body = append(c.body, piece...)
	}
}

// End implements policy.BodyCopy.
func (c *requestCopy) End() {
	if c.done {
		return
	}
	c.done = true
	if c.body != nil {
		c.head = append(c.head, "Content-Length: "...)
		c.head = strconv.AppendInt(c.head, int64(len(c.body)), 10)
		c.head = append(c.head, '\r', '\n')
	}
	c.head = append(c.head, '\r', '\n')
	go c.send()
}

// Release leaves the copy out unless it was sent.
func (c *requestCopy) Release() {
	if !c.done {
		c.done = true
		c.mirror.load.end(len(c.body))
		c.body = nil
	}
}

// send sends the copy and drops the reply. What fails is of no interest to the request.
func (c *requestCopy) send() {
	defer c.mirror.load.end(len(c.body))
	ctx, cancel := context.WithTimeout(context.Background(), wholeTimeout)
	defer cancel()
	var request message.Request
	if request.Parse(c.head, mostFields) != nil {
		return
	}
	call := &upstream.Call{
		Request: &request, Path: request.Path, Host: request.Host, HTTP10: c.mirror.HTTP10,
		Body: own.NewBody(c.body), Client: own.NewClient(ctx),
		Timeouts: upstream.Timeouts{Connect: connectTimeout, Response: replyTimeout, Send: replyTimeout},
	}
	call.Begin()
	if reply, err := c.pool.RoundTrip(call, time.Now()); err == nil {
		own.Discard(reply, request.Method, replyTimeout)
	}
}
