package http2

import (
	"io"
	"os"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Sizes of the pieces that a body is buffered in, in bytes.
const (
	minPiece = 1 << 10
	maxPiece = 64 << 10
)

// body is the body of a request as far as it was received and not consumed. Its methods are called with the
// connection's mutex held.
type body struct {
	waiter   waiter
	declared int64 // content-length, or -1
	received int64
	pieces   [][]byte // received, not yet taken
	lent     []byte   // the piece that was taken last
	spare    []byte   // an empty piece to be used again
	window   receiveWindow
	canceled bool // the rest will not be read

	trailerLines []byte
	trailers     []message.Field
}

func (b *body) begin(declared int64) {
	b.declared, b.received, b.canceled = declared, 0, false
	b.trailers = b.trailers[:0]
	b.window = newReceiveWindow(streamWindow)
}

// complete reports whether the body has the size that was declared.
func (b *body) complete() bool { return b.declared < 0 || b.received == b.declared }

// add appends to the body.
func (b *body) add(data []byte) {
	for len(data) > 0 {
		last := len(b.pieces) - 1
		if last < 0 || len(b.pieces[last]) == cap(b.pieces[last]) {
			b.pieces = append(b.pieces, b.newPiece(len(data)))
			last++
		}
		piece := b.pieces[last]
		n := min(len(data), cap(piece)-len(piece))
		b.pieces[last] = append(piece, data[:n]...)
		data = data[n:]
	}
}

// newPiece returns an empty piece for data of some size. Pieces grow with what is buffered, so that a reader that is
// behind gets larger ones, but by at most half of it: memory is bounded by the windows.
func (b *body) newPiece(size int) []byte {
	size = min(max(size, b.buffered()/2, minPiece), maxPiece)
	if cap(b.spare) >= size {
		piece := b.spare
		b.spare = nil
		return piece
	}
	return make([]byte, 0, size)
}

// buffered is the size of what was received and not taken, in bytes.
func (b *body) buffered() (n int) {
	for _, piece := range b.pieces {
		n += len(piece)
	}
	return n
}

// returnLent takes back the piece that was lent, and returns its size.
func (b *body) returnLent() int {
	n := len(b.lent)
	if cap(b.lent) > cap(b.spare) {
		b.spare = b.lent[:0]
	}
	b.lent = nil
	return n
}

// lend takes the first piece; nil if there is none.
func (b *body) lend() []byte {
	if len(b.pieces) == 0 {
		return nil
	}
	b.lent = b.pieces[0]
	n := copy(b.pieces, b.pieces[1:])
	b.pieces[n] = nil
	b.pieces = b.pieces[:n]
	return b.lent
}

// discard drops what was not taken, and returns its size.
func (b *body) discard() int {
	n := b.buffered()
	clear(b.pieces)
	b.pieces = b.pieces[:0]
	return n
}

func (b *body) size() int { return cap(b.trailerLines) + cap(b.spare) + cap(b.lent) }

// CancelBody makes a running read of the body, and all later ones, fail. It may be called from any goroutine.
func (s *Stream) CancelBody() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.cancelBody()
}

// cancelBody is called with mu held.
func (s *Stream) cancelBody() {
	s.body.canceled = true
	s.conn.consumed(s.body.discard())
	s.body.waiter.changed.Broadcast()
}

// Available returns a piece of the body that was received, nil if there is none; at the end of the body the error is
// io.EOF. The piece is valid until the next call of Available or Next.
func (s *Stream) Available() ([]byte, error) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.available()
}

// Next is like Available, but waits up to Options.Body for a piece. After that the error is os.ErrDeadlineExceeded.
func (s *Stream) Next() ([]byte, error) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	piece, err := s.available()
	if err != nil || len(piece) > 0 {
		return piece, err
	}
	c.out.flush() // the client may wait for a window
	deadline := time.Now().Add(c.options.Body)
	for {
		if piece, err = s.available(); err != nil || len(piece) > 0 {
			return piece, err
		}
		if err = s.body.waiter.wait(deadline); err != nil {
			return nil, err
		}
	}
}

// available takes a piece of the body. It is called with mu held.
func (s *Stream) available() ([]byte, error) {
	if n := s.body.returnLent(); n > 0 {
		s.consumed(n)
	}
	switch {
	case s.gone:
		return nil, ErrGone
	case s.body.canceled:
		return nil, os.ErrDeadlineExceeded
	case len(s.body.pieces) > 0:
		return s.body.lend(), nil
	case s.remoteClosed:
		return nil, io.EOF
	}
	return nil, nil
}

// consumed gives n bytes back to the windows of the stream and the connection. It is called with mu held.
func (s *Stream) consumed(n int) {
	s.conn.consumed(n)
	if !s.remoteClosed && !s.gone && !s.body.canceled {
		s.conn.out.windowUpdate(s.id, s.body.window.consume(int64(n)))
	}
}

// Ended reports whether the client has sent the whole body and all of it was taken.
func (s *Stream) Ended() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.remoteClosed && len(s.body.pieces) == 0
}

// Trailers are the request's, complete when the body has ended. They are valid as long as the stream.
func (s *Stream) Trailers() []message.Field {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.body.trailers
}
