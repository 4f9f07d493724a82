package http2

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// ErrGone is the error of every use of a stream that the client has reset, or whose connection is closed.
var ErrGone = errors.New("the client has reset the stream or closed the connection")

// Stream is a request and its reply. One worker uses it; the methods that read the request's body may be called by one
// other goroutine.
type Stream struct {
	Request message.Request
	// Refused is why the request can't be served; nil if it can.
	Refused *message.Error

	conn *Conn
	id   uint32

	block   []byte // that Request points into
	pending []byte // content of the reply that is not yet sent; the worker's

	// Guarded by conn.mu:
	opened        time.Time
	body          body
	reply         reply
	remoteClosed  bool // the client has ended its side
	localClosed   bool // the server has ended its side
	gone          bool
	closeWhenGone io.Closer
	closing       bool // the reader is about to close closeWhenGone
}

// maxKeptStream is the capacity, in bytes, of the buffers of a stream that is reused.
const maxKeptStream = 128 << 10

func newStream(c *Conn) *Stream {
	s := &Stream{conn: c}
	s.body.waiter.changed = sync.NewCond(&c.mu)
	s.reply.waiter.changed = sync.NewCond(&c.mu)
	return s
}

// begin makes s the stream of a header block. The error is a StreamError if the request is malformed.
func (s *Stream) begin(h *headerBlock, window sendWindow, reading *message.Reading) error {
	s.id, s.Refused, s.opened = h.stream, nil, time.Now()
	s.pending = s.pending[:0]
	s.remoteClosed, s.localClosed, s.gone, s.closeWhenGone = h.endsStream, false, false, nil
	s.block = h.appendLines(s.block[:0])
	var err error
	if h.size > h.limit {
		err = &message.Error{Status: 431, Reason: "the header is too large"}
		s.Request = message.Request{Major: 2, Method: []byte(h.pseudo.Method()), Fields: s.Request.Fields[:0]}
	} else {
		err = s.Request.FromHTTP2(&h.pseudo, s.block, h.endsStream, reading)
	}
	if errors.Is(err, message.ErrMalformed) {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	errors.As(err, &s.Refused)
	declared := s.Request.Length
	if s.Refused != nil {
		declared = -1 // the length of a refused request was not read
	}
	s.body.begin(declared)
	s.reply.begin(window)
	return nil
}

// endRemote records that the client has ended its side. It is called with conn.mu held.
func (s *Stream) endRemote() error {
	if !s.body.complete() {
		return streamError(s.id, xhttp2.ErrCodeProtocol)
	}
	s.remoteClosed = true
	return nil
}

// Context is done when the connection is closed.
func (s *Stream) Context() context.Context { return s.conn.context }

// OnGone has a closer closed when the client disconnects; nil unregisters it. The closer before is not closed any more after
// OnGone has returned: what it closes may then be used for another request.
func (s *Stream) OnGone(closer io.Closer) {
	s.conn.mu.Lock()
	s.awaitClosed()
	s.closeWhenGone = closer
	gone := s.gone
	s.conn.mu.Unlock()
	if gone && closer != nil {
		closer.Close()
	}
}

// awaitClosed waits while the reader closes what is closed when the client disconnects. It is called with conn.mu held.
func (s *Stream) awaitClosed() {
	for s.closing {
		s.reply.waiter.changed.Wait()
	}
}

// Gone reports whether the client has disconnected.
func (s *Stream) Gone() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.gone
}

// size is the capacity of the buffers, in bytes.
func (s *Stream) size() int { return cap(s.block) + cap(s.pending) + s.body.size() }

// streams are the streams of a connection. Its fields are guarded by the connection's mutex.
type streams struct {
	open   map[uint32]*Stream // that are neither ended on both sides nor reset
	free   []*Stream
	lastID uint32 // greatest that the client has opened

	// The last streams that the client has ended or reset, in a ring: what follows for one of them is an error. Frames
	// for other closed streams may have been sent before the client knew.
	endedByClient [16]uint32
	next          int
}

func newStreams() streams { return streams{open: make(map[uint32]*Stream)} }

// remove makes s a closed stream, if it is open. byClient says that the client has reset it.
func (t *streams) remove(s *Stream, byClient bool) {
	if t.open[s.id] != s {
		return
	}
	delete(t.open, s.id)
	if s.remoteClosed || byClient {
		t.endedByClient[t.next] = s.id
		t.next = (t.next + 1) % len(t.endedByClient)
	}
}

// wasEndedByClient reports whether a closed stream is known to be one the client has ended or reset.
func (t *streams) wasEndedByClient(id uint32) bool {
	for _, ended := range t.endedByClient {
		if ended == id {
			return true
		}
	}
	return false
}

// get returns a stream to be used.
func (t *streams) get(c *Conn) *Stream {
	last := len(t.free) - 1
	if last < 0 {
		return newStream(c)
	}
	s := t.free[last]
	t.free[last] = nil
	t.free = t.free[:last]
	return s
}

// put keeps a stream that is no longer used, unless it is large.
func (t *streams) put(s *Stream) {
	if s.size() <= maxKeptStream {
		t.free = append(t.free, s)
	}
}

// trim keeps at most so many free streams.
func (t *streams) trim(kept int) {
	switch {
	case kept == 0 && len(t.open) == 0:
		t.free, t.open = nil, make(map[uint32]*Stream)
	case len(t.free) > kept:
		clear(t.free[kept:])
		t.free = t.free[:kept]
	}
}
