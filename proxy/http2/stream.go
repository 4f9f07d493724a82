package http2

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// ErrGone is the error of everything that is done with a stream whose client is gone.
var ErrGone = errors.New("the client has reset the stream or closed the connection")

// Stream is a request and its reply. It is used by one worker, and by whoever reads the body for it.
type Stream struct {
	Request message.Request
	// Refused says why the request can't be served; nil if it can.
	Refused *message.Error

	conn *Conn
	id   uint32

	block []byte // what Request points into

	// Guarded by conn.mu:
	changed       sync.Cond
	declared      int64 // content-length, or -1
	received      int64
	receive       []byte // of the body, not yet taken
	lent          []byte // the piece that the worker was given last
	trailerLines  []byte
	trailers      []message.Field
	receiveWindow int64
	owed          int64
	sendWindow    int64
	remoteClosed  bool // the client has sent everything
	localClosed   bool // so have we
	cut           bool // nobody will read the body
	gone          bool
	closeWhenGone io.Closer

	pending []byte // of the reply, to be sent; the worker's
}

// open makes a stream of the headers that were read, and gives it to a worker. It is called with mu held.
func (c *Conn) open() error {
	h := &c.headers
	var s *Stream
	if last := len(c.free) - 1; last >= 0 {
		s, c.free = c.free[last], c.free[:last]
	} else {
		s = &Stream{conn: c}
		s.changed.L = &c.mu
	}
	s.id, s.Refused = h.stream, nil
	s.received, s.owed, s.receiveWindow, s.sendWindow = 0, 0, streamWindow, c.initialWindow
	s.receive, s.lent, s.trailers, s.pending = s.receive[:0], s.lent[:0], s.trailers[:0], s.pending[:0]
	s.remoteClosed, s.localClosed, s.cut, s.gone, s.closeWhenGone = h.endsStream, false, false, false, nil

	if len(h.cookie) > 0 {
		h.lines = append(h.lines, "cookie: "...)
		h.lines = append(h.lines, h.cookie...)
		h.lines = append(h.lines, "\r\n"...)
	}
	s.block = append(s.block[:0], h.lines...)
	var err error
	if h.size > h.limit {
		err = &message.Error{Status: 431, Reason: "the header is too large"}
		s.Request = message.Request{Major: 2, Fields: s.Request.Fields[:0]}
	} else {
		err = s.Request.FromHTTP2(&h.pseudo, s.block, h.endsStream, c.options.HeaderFields)
	}
	if errors.Is(err, message.ErrMalformed) {
		c.free = append(c.free, s)
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	errors.As(err, &s.Refused)
	s.declared = s.Request.Length
	if s.Refused != nil {
		s.declared = -1 // whatever it was
	}
	c.streams[s.id] = s
	c.running++
	select {
	case c.work <- s:
	default:
		c.workers.Go(func() { c.serve(s) })
	}
	return nil
}

// serve is a worker.
func (c *Conn) serve(s *Stream) {
	serve := c.newWorker()
	for {
		serve(s)
		c.finish(s)
		select {
		case s = <-c.work:
		case <-c.done:
			return
		}
	}
}

// finish ends what the worker has left open.
func (c *Conn) finish(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !s.localClosed:
		_ = c.framer.WriteRSTStream(s.id, xhttp2.ErrCodeInternal)
	case !s.remoteClosed: // the client need not send the rest (RFC 9113 section 8.1)
		_ = c.framer.WriteRSTStream(s.id, xhttp2.ErrCodeNo)
	}
	c.owe(int64(len(s.receive) + len(s.lent)))
	delete(c.streams, s.id)
	if !s.gone {
		c.canceled = max(c.canceled-1, 0)
	}
	if cap(s.receive)+cap(s.lent)+cap(s.pending) <= 128<<10 {
		c.free = append(c.free, s)
	}
	c.flush()
	c.running--
	if c.running == 0 && !c.closed {
		if c.away {
			c.endIfAway()
		} else {
			_ = c.extendRead(false) // the read itself will fail too
		}
	}
}

// endRemote notes that the client has sent everything. It is called with mu held.
func (s *Stream) endRemote() error {
	if s.declared >= 0 && s.received != s.declared {
		return streamError(s.id, xhttp2.ErrCodeProtocol)
	}
	s.remoteClosed = true
	return nil
}

// OnGone closes what is given when the client goes away; nil ends that.
func (s *Stream) OnGone(closer io.Closer) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.gone && closer != nil {
		closer.Close()
		return
	}
	s.closeWhenGone = closer
}

// Gone says whether the client has gone away.
func (s *Stream) Gone() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.gone
}

// CutBody makes a read of the body that is going on, and all that follow, fail.
func (s *Stream) CutBody() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.cut = true
	s.conn.owe(int64(len(s.receive)))
	s.receive = s.receive[:0]
	s.changed.Broadcast()
}

// There returns what is there of the body, which may be nothing; at its end the error is io.EOF. The piece is valid
// until the next call of There or Next.
func (s *Stream) There() ([]byte, error) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.there()
}

// Next is There, but waits for something to be there.
func (s *Stream) Next() ([]byte, error) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	piece, err := s.there()
	if err != nil || len(piece) > 0 {
		return piece, err
	}
	s.conn.flush() // the client may wait for a window
	slow := false
	timer := time.AfterFunc(s.conn.options.Body, func() {
		s.conn.mu.Lock()
		defer s.conn.mu.Unlock()
		slow = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	for {
		if piece, err = s.there(); err != nil || len(piece) > 0 {
			return piece, err
		}
		if slow {
			return nil, os.ErrDeadlineExceeded
		}
		s.changed.Wait()
	}
}

// there takes what is there of the body. It is called with mu held.
func (s *Stream) there() ([]byte, error) {
	if len(s.lent) > 0 {
		s.taken(int64(len(s.lent)))
		s.lent = s.lent[:0]
	}
	switch {
	case s.gone:
		return nil, ErrGone
	case s.cut:
		return nil, os.ErrDeadlineExceeded
	case len(s.receive) > 0:
		s.receive, s.lent = s.lent, s.receive
		return s.lent, nil
	case s.remoteClosed:
		return nil, io.EOF
	}
	return nil, nil
}

// taken gives the client's windows back what the worker has used. It is called with mu held.
func (s *Stream) taken(n int64) {
	s.conn.owe(n)
	if s.owed += n; s.owed >= streamWindow/2 && !s.remoteClosed {
		_ = s.conn.framer.WriteWindowUpdate(s.id, uint32(s.owed))
		s.receiveWindow += s.owed
		s.owed = 0
	}
}

// Ended says whether the whole body was read.
func (s *Stream) Ended() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.remoteClosed && len(s.receive) == 0
}

// Trailers are there when the body has ended.
func (s *Stream) Trailers() []message.Field {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.trailers
}
