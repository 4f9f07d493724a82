package proxy

import (
	"sync/atomic"
	"time"
)

// sending is how far the body of a request has got. An endpoint is not late with its reply while the client is waited
// for; what the endpoint does not take is its own fault.
type sending struct {
	invited atomic.Bool  // the client does not wait for "100 Continue" (any more)
	asking  atomic.Bool  // the client is waited for
	handed  atomic.Int64 // when the endpoint was given something last, in nanoseconds of Unix time
}

// begin is for a new request.
func (s *sending) begin(invited bool) {
	s.invited.Store(invited)
	s.hand()
}

// invite says that the client was told to wait no more.
func (s *sending) invite() { s.invited.Store(true) }

// ask says that a piece is waited for.
func (s *sending) ask() { s.asking.Store(true) }

// got says that a piece, or the end, has come.
func (s *sending) got() {
	s.invite()
	s.hand()
}

// hand says that the endpoint is given something, or has taken it.
func (s *sending) hand() {
	s.handed.Store(time.Now().UnixNano())
	s.asking.Store(false)
}

// until is now while the client is waited for, and otherwise when the endpoint was given something last.
func (s *sending) until() time.Time {
	if s.asking.Load() && s.invited.Load() {
		return time.Now()
	}
	return time.Unix(0, s.handed.Load())
}
