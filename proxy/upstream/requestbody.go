package upstream

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// bodySink is where a connection takes a request body, piece by piece.
type bodySink interface {
	sendPiece(piece []byte) error
	sendEnd(trailers []message.Field) error
	abort() // makes the endpoint see that the request is incomplete
}

// sender sends the rest of a request body, in a separate goroutine, while the reply is awaited: it may come before the
// body has ended.
type sender struct {
	done chan error // gets one value at the end of the running sender; nil if none is running
	err  error      // of the one that has ended
	used bool       // one was started for the call

	// ending is set when the last piece is being sent.
	ending atomic.Bool
	// fault is set before the connection is closed because of the client.
	fault atomic.Pointer[BodyError]

	// An endpoint is not late with its reply while the client is waited for. What it does not take is its own fault.
	invited atomic.Bool  // the client does not wait for "100 Continue", or no longer
	reading atomic.Bool  // the client is waited for
	handed  atomic.Int64 // when the endpoint was last given something, in nanoseconds of Unix time
}

// begin starts a call whose body is whole already; start follows if it is not.
func (s *sender) begin() { s.done, s.err, s.used = nil, nil, false }

// start begins to send the body: first the given part, then what the client sends.
func (s *sender) start(call *Call, sink bodySink, first []byte) {
	call.consumed = !call.whole
	s.used = true
	s.done = make(chan error, 1)
	s.ending.Store(false)
	s.fault.Store(nil)
	s.invited.Store(!call.Request.ExpectsContinue || call.BytesIn > 0)
	s.hand()
	go func(done chan<- error) { done <- s.run(call, sink, first) }(s.done)
}

func (s *sender) run(call *Call, sink bodySink, first []byte) error {
	if err := sink.sendPiece(first); err != nil {
		return err
	}
	if call.whole {
		s.ending.Store(true)
		return sink.sendEnd(call.Body.Trailers())
	}
	s.hand()
	for {
		s.reading.Store(true)
		piece, err := call.Body.Next()
		s.invited.Store(true)
		s.hand()
		last := errors.Is(err, io.EOF)
		s.ending.Store(last || err == nil && call.Body.Ended())
		if !last && err == nil {
			err = call.count(piece)
		}
		switch {
		case last:
			err = sink.sendEnd(call.Body.Trailers())
		case err != nil:
			s.fault.Store(&BodyError{err})
			sink.abort()
			return err
		default:
			err = sink.sendPiece(piece)
		}
		if last || err != nil {
			return err
		}
		s.hand()
	}
}

// writing reports whether the endpoint is being given something.
func (s *sender) writing() bool { return s.done != nil && len(s.done) == 0 && !s.reading.Load() }

// slow returns the error of a sender that has ended because the endpoint took nothing for too long; nil otherwise.
func (s *sender) slow() error {
	if len(s.done) > 0 {
		s.err = <-s.done
		s.done = nil
	}
	if errors.Is(s.err, wire.ErrSlowSend) {
		return s.err
	}
	return nil
}

// hand records that the endpoint is given something, or has taken it.
func (s *sender) hand() {
	s.handed.Store(time.Now().UnixNano())
	s.reading.Store(false)
}

// invite records that the client has got 100 (Continue).
func (s *sender) invite() { s.invited.Store(true) }

// silentSince returns since when the endpoint has had everything it needs to say something: since that is now while the
// client is waited for. since is the answer of a call without a sender.
func (s *sender) silentSince(since, now time.Time) time.Time {
	if s.done == nil {
		return since
	}
	if s.reading.Load() && s.invited.Load() {
		return now
	}
	if handed := time.Unix(0, s.handed.Load()); handed.After(since) {
		return handed
	}
	return since
}

// scheduled is how long a sender that has sent everything may take to say so.
const scheduled = 20 * time.Millisecond

// finished reports whether the whole body was sent. An endpoint may have answered before the sender, which has just sent
// the last piece, could say so.
func (s *sender) finished() bool {
	if s.done == nil {
		return s.err == nil
	}
	var late <-chan time.Time
	if len(s.done) == 0 {
		if !s.ending.Load() {
			return false
		}
		late = time.After(scheduled)
	}
	select {
	case s.err = <-s.done:
		s.done = nil
		return s.err == nil
	case <-late:
		return false
	}
}

// wait waits for the end of the body. An error of the client's side is a *BodyError.
func (s *sender) wait() error {
	if s.done != nil {
		s.err = <-s.done
		s.done = nil
	}
	if fault := s.fault.Load(); fault != nil {
		return fault
	}
	return s.err
}

// stop ends a running sender. The sink must have been closed. It returns the error of the client's side, nil if the
// connection failed before.
func (s *sender) stop(client Client) *BodyError {
	fault := s.fault.Load()
	if s.done != nil {
		if len(s.done) == 0 {
			client.CancelBody()
		}
		s.err = <-s.done
		s.done = nil
	}
	s.fault.Store(nil)
	return fault
}
