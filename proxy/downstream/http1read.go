package downstream

import (
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/deadline"
)

// requestReader reads from an HTTP/1.1 connection, each time with the limit of what is waited for.
type requestReader struct {
	conn     net.Conn
	timeouts *Timeouts
	draining *atomic.Bool

	phase     phase
	served    bool // a request came before the one that is waited for
	headerDue bool // the deadline of a slow header is set
	limit     deadline.Lazy
	canceled  atomic.Bool // reads of the body fail

	state  atomic.Uint32
	ending sync.Mutex // held while the read of an idle connection is ended
	// closing says that the connection was to be closed as idle when a request came: it is the last one.
	closing bool
}

// phase is what a read waits for.
type phase uint8

const (
	awaitRequest phase = iota
	awaitHeader
	awaitBody
)

// The states of a connection, as closeIdle sees it.
const (
	busy   uint32 = iota
	unused        // idle, before the first request
	idle
	closingIdle
)

// firstRequest is how long a connection that has had no request is waited for while the server drains: most likely its
// request is on its way, and the client can't know that it is not answered. On a busy machine clients take seconds.
const firstRequest = 5 * time.Second

// next begins the wait for the next request. begun says that a part of it was read before, and first that it is the first one.
func (r *requestReader) next(begun, first bool) {
	r.phase, r.headerDue, r.served = awaitRequest, false, !first
	if begun {
		r.phase = awaitHeader
	}
}

// Read implements io.Reader.
func (r *requestReader) Read(p []byte) (int, error) {
	switch r.phase {
	case awaitRequest:
		return r.readIdle(p)
	case awaitHeader:
		if !r.headerDue { // one limit for the whole header, however slowly it trickles in
			r.headerDue = true
			r.limit.Forget()
			if err := r.conn.SetReadDeadline(time.Now().Add(r.timeouts.Header)); err != nil {
				return 0, err
			}
		}
	case awaitBody:
		if err := r.limit.Extend(r.conn.SetReadDeadline, time.Now(), r.timeouts.Body); err != nil {
			return 0, err
		}
		if r.canceled.Load() {
			return 0, os.ErrDeadlineExceeded
		}
	}
	return r.conn.Read(p)
}

// readIdle waits for the first bytes of a request.
func (r *requestReader) readIdle(p []byte) (int, error) {
	if err := r.limit.Extend(r.conn.SetReadDeadline, time.Now(), r.timeouts.Idle); err != nil {
		return 0, err
	}
	// While other requests run, the next one may come, which saves a read that fails and has to be repeated. Yielding
	// before the reads of replies as well would keep the scheduler from looking at the network often enough.
	runtime.Gosched()
	waiting := idle
	if !r.served {
		waiting = unused
	}
	r.state.Store(waiting)
	if r.draining.Load() {
		if r.served {
			return 0, io.EOF
		}
		r.drain() // it was tracked too late to be drained with the others
	}
	n, err := r.conn.Read(p)
	if !r.state.CompareAndSwap(waiting, busy) {
		r.ending.Lock() // until a deadline is set that must not end a read of the body
		r.limit.Forget()
		r.closing = true
		r.ending.Unlock()
	}
	if n > 0 {
		r.phase = awaitHeader
	}
	return n, err
}

// closeIdle ends the read of a connection that waits for a request, and reports whether it does. If a request comes
// just then, it is served as the last one.
func (r *requestReader) closeIdle() bool {
	return r.end(idle, time.Unix(1, 0)) || r.end(unused, time.Unix(1, 0))
}

// drain is closeIdle, but a first request is waited for.
func (r *requestReader) drain() {
	_ = r.end(idle, time.Unix(1, 0)) || r.end(unused, time.Now().Add(firstRequest))
}

// end ends the read of a connection in a state at a time.
func (r *requestReader) end(state uint32, at time.Time) bool {
	r.ending.Lock()
	defer r.ending.Unlock()
	if !r.state.CompareAndSwap(state, closingIdle) {
		return false
	}
	r.conn.SetReadDeadline(at)
	return true
}

// cancel makes reads of the body fail.
func (r *requestReader) cancel() {
	r.canceled.Store(true)
	r.conn.SetReadDeadline(time.Unix(1, 0))
}

// resume allows reads of the body again.
func (r *requestReader) resume() {
	r.limit.Forget()
	r.canceled.Store(false)
}
