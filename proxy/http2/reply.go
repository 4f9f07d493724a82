package http2

import (
	"errors"
	"net/http"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// stallBytes is how many bytes a client must accept to be granted Options.Body once more for waiting.
const stallBytes = 16 << 10

// Errors of replies that can't be sent in HTTP/2, or are not in order.
var (
	errStatus = errors.New("the status is not one of a reply in HTTP/2")
	errOrder  = errors.New("the header of the reply was sent already, or was not sent yet")
)

// reply is the state of a reply.
type reply struct {
	waiter    waiter
	window    sendWindow
	header    bool // the final header was sent
	noContent bool // whatever content follows the header is dropped

	// How long sending has waited for the windows since the client accepted stallBytes, and what it accepted since.
	waited   time.Duration
	accepted int64
}

func (r *reply) begin(window sendWindow) {
	r.window = window
	r.header, r.noContent = false, false
	r.waited, r.accepted = 0, 0
}

// WriteHeader adds the header of a reply: the endpoint's fields that are forwarded (none if reply is nil), and the field
// lines of extra. It is sent with what follows, or by Flush. ends says that nothing follows. A status below 200 is that of an informational reply,
// which does not end the stream.
func (s *Stream) WriteHeader(status int, reply *message.Response, extra []byte, ends bool) error {
	if status < 100 || status > 999 || status == http.StatusSwitchingProtocols {
		return errStatus
	}
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.waitForRoom()
	switch {
	case s.gone || s.localClosed || c.out.err != nil:
		return ErrGone
	case s.reply.header:
		return errOrder
	}
	final := status >= 200
	if final {
		s.reply.header = true
		s.reply.noContent = status == http.StatusNoContent || status == http.StatusNotModified ||
			string(s.Request.Method) == http.MethodHead
		ends = ends || s.reply.noContent
	}
	ends = ends && final
	length := final && status != http.StatusNoContent
	c.out.header(s.id, ends, func(dst []byte) []byte {
		dst = frames.AppendStatus(dst, status)
		if reply != nil {
			dst = appendForwarded(dst, reply.Fields, length)
		}
		return appendLines(dst, extra, length)
	})
	s.localClosed = ends
	return nil
}

// WriteData adds a piece of the reply's content. Small pieces are collected until Flush or End.
func (s *Stream) WriteData(piece []byte) error {
	if len(s.pending)+len(piece) <= maxFrame {
		s.pending = append(s.pending, piece...)
		return nil
	}
	if err := s.sendPending(false); err != nil {
		return err
	}
	return s.send(piece, false)
}

// Flush sends what was added.
func (s *Stream) Flush() error {
	if err := s.sendPending(false); err != nil {
		return err
	}
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.conn.out.flush()
	if s.conn.out.large() {
		s.conn.trimLater()
	}
	return nil
}

// End ends the reply, unless WriteHeader has. Trailers that may not be forwarded are left out.
func (s *Stream) End(trailers []message.Field) error {
	hasTrailers := false
	for i := range trailers {
		hasTrailers = hasTrailers || trailers[i].AllowedInTrailers()
	}
	if err := s.sendPending(!hasTrailers); err != nil || !hasTrailers {
		return err
	}
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.gone || c.out.err != nil:
		return ErrGone
	case s.localClosed:
		return nil // it has no content, and no trailers
	}
	c.out.header(s.id, true, func(dst []byte) []byte { return appendTrailers(dst, trailers) })
	s.localClosed = true
	return nil
}

// Abort ends the stream so that the client sees that the reply is incomplete.
func (s *Stream) Abort() { s.Reset(uint32(xhttp2.ErrCodeInternal)) }

// Reset ends the stream with an error code (RFC 9113 section 7).
func (s *Stream) Reset(code uint32) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.localClosed {
		return
	}
	c.out.resetStream(s.id, xhttp2.ErrCode(code))
	c.streams.remove(s, false)
	s.localClosed = true
	s.cancelBody()
}

func (s *Stream) sendPending(ends bool) error {
	err := s.send(s.pending, ends)
	s.pending = s.pending[:0]
	return err
}

// send adds DATA frames as far as both windows allow, and waits for more. It returns with everything added, not
// necessarily written.
func (s *Stream) send(data []byte, ends bool) error {
	if len(data) == 0 && !ends {
		return nil
	}
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(data) > 0 || ends {
		c.out.waitForRoom()
		switch {
		case s.gone || c.out.err != nil:
			return ErrGone
		case s.reply.noContent:
			return nil
		case s.localClosed && len(data) == 0:
			return nil // WriteHeader has ended the stream
		case s.localClosed:
			return ErrGone
		case !s.reply.header:
			return errOrder
		}
		n := int(min(int64(len(data)), int64(s.reply.window), int64(c.window), int64(c.out.maxFrame)))
		if n <= 0 && len(data) > 0 {
			if err := s.waitForWindow(); err != nil {
				return err
			}
			continue
		}
		if n == len(data) && ends {
			s.localClosed = true
		}
		c.out.data(s.id, data[:n], s.localClosed)
		c.frames.forgive(dataCredit)
		s.sent(n)
		if s.localClosed {
			return nil
		}
		data = data[n:]
	}
	return nil
}

// sent takes n bytes from both windows. It is called with mu held.
func (s *Stream) sent(n int) {
	s.reply.window.grow(-int64(n))
	s.conn.window.grow(-int64(n))
	if s.reply.accepted += int64(n); s.reply.accepted >= stallBytes {
		s.reply.waited, s.reply.accepted = 0, 0
	}
}

// waitForWindow waits until the client accepts more. It is called with mu held.
func (s *Stream) waitForWindow() error {
	c := s.conn
	c.out.flush()
	start := time.Now()
	deadline := start.Add(c.options.Body - s.reply.waited)
	defer func() { s.reply.waited += time.Since(start) }()
	for (s.reply.window <= 0 || c.window <= 0) && !s.gone && c.out.err == nil {
		if c.halfClosed {
			return ErrGone // no WINDOW_UPDATE can come
		}
		if err := s.reply.waiter.wait(deadline); err != nil {
			return err
		}
	}
	return nil
}
