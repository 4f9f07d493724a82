package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// Options are the same for all pools of a proxy.
type Options struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	MaxIdle int           // connections kept for an endpoint
	MaxAge  time.Duration // of an idle connection
	Limits  Limits
}

// Limits bound what an endpoint can make the proxy read.
type Limits struct {
	HeaderBytes  int // of a reply's header, and of all its informational replies
	HeaderFields int
}

// conn is a connection to an endpoint of either protocol.
type conn interface {
	// roundTrip sends the call and reads the header of its reply. On wire.ErrStale nothing was sent.
	roundTrip(call *Call, now time.Time) (Reply, error)
	// abort ends the connection immediately, and everything that waits for it.
	abort()
	// closer is abort for the client's side.
	closer() io.Closer
	base() *wire.Link
}

// Pool is the connections to one endpoint: a stack of idle ones, the last used on top, so that few connections do most
// of the work and the others grow old and are closed. Its methods may be called concurrently.
type Pool struct {
	Address string
	// Latency is that of the endpoint, for those who select endpoints by it; they also observe it.
	Latency balance.Latency

	options *Options
	tls     *tls.Config // nil for plain text
	http2   bool
	left    chan struct{} // closed with the pool
	fastCGI bool

	mu     sync.Mutex
	idle   []idleConn // the last used at the end
	closed bool
}

// idleConn is a connection that waits for its next call.
type idleConn struct {
	conn  conn
	since time.Time
}

// sessions is how many TLS sessions are kept: the last one of the only server that a pool leads to.
const sessions = 1

func newPool(key Key, options *Options, profile tlsprofile.Profile) *Pool {
	p := &Pool{Address: key.Address.String(), options: options, http2: key.HTTP2, fastCGI: key.FastCGI, left: make(chan struct{})}
	if p.tls = profile.Config(); p.tls != nil {
		p.tls.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	return p
}

// RoundTrip sends the call on a kept or a new connection and reads the header of the reply, sending informational replies to
// the client. started is now, or a moment ago. A kept connection that turns out to be unusable is replaced by another,
// for every method, because nothing was sent on it.
//
// The error is a *BodyError if the client's side of the body failed, ErrClientGone if the client disconnected, else an
// *Error. See Call.Retryable.
func (p *Pool) RoundTrip(call *Call, started time.Time) (Reply, error) {
	if err := call.gather(); err != nil {
		return nil, err
	}
	if (call.HTTP10 || p.fastCGI) && call.Request.Length < 0 && !call.whole && !p.http2 {
		return nil, &BodyError{errLengthRequired}
	}
	for now := started; ; now = time.Now() {
		var c conn
		if !call.closes() {
			c = p.pop(now)
		}
		if c == nil {
			var err error
			if c, err = p.dial(call); err != nil {
				return nil, err
			}
			now = time.Now()
		}
		call.Client.OnGone(c.closer())
		reply, err := c.roundTrip(call, now)
		if err == nil {
			return reply, nil
		}
		call.Client.OnGone(nil)
		c.abort()
		fault := call.sender.stop(call.Client)
		switch {
		case fault != nil:
			return nil, fault
		case errors.Is(err, ErrClientGone):
			return nil, err
		case call.Client.Gone():
			return nil, fmt.Errorf("%w: %w", ErrClientGone, err)
		}
		failed := classify(err)
		// A connection that the endpoint has closed while it was idle says nothing about the endpoint.
		if c.base().Reused() && failed.again(call) {
			continue
		}
		return nil, failed
	}
}

// classify makes an *Error of an error of a round trip.
func classify(err error) *Error {
	var failed *Error
	switch {
	case errors.As(err, &failed):
		return failed
	case errors.Is(err, wire.ErrStale):
		return &Error{Err: err, stale: true}
	}
	var reset *resetError
	return &Error{Err: err, Sent: true, broken: isBroken(err) || errors.As(err, &reset)}
}

// again reports whether the call may be sent on another connection to the same endpoint.
func (e *Error) again(call *Call) bool { return e.kept() && call.Retryable(e) }

// kept reports whether the error is one of a connection that was kept too long.
func (e *Error) kept() bool { return e.stale || isBroken(e.Err) }

func (p *Pool) pop(now time.Time) conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || now.Sub(p.idle[last].since) > p.options.MaxAge {
		return nil // all others are older: expire closes them
	}
	c := p.idle[last].conn
	p.idle[last] = idleConn{}
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection for the next call.
func (p *Pool) put(c conn) {
	c.base().Reuse()
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.options.MaxIdle {
		c.abort()
		return
	}
	p.idle = append(p.idle, idleConn{c, now})
}

// expire closes the connections that have been idle for too long.
func (p *Pool) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := 0
	for old < len(p.idle) && now.Sub(p.idle[old].since) > p.options.MaxAge {
		p.idle[old].conn.abort()
		old++
	}
	kept := copy(p.idle, p.idle[old:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
}

// Left reports whether the endpoint has left the proxy's table: whoever has another one should not begin a call.
func (p *Pool) Left() bool {
	select {
	case <-p.left:
		return true
	default:
		return false
	}
}

// close closes the idle connections now, and those that are in use when their call ends. Calls that wait for a connection end
// soon, and the others as soon as the endpoint is found to be dead.
func (p *Pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.left)
	}
	for _, c := range p.idle {
		c.conn.abort()
	}
	p.idle = nil
}
