package http2

import (
	"encoding/binary"
	"os"
	"runtime"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// appender is where the Framer writes to.
type appender struct{ conn *Conn }

func (a appender) Write(p []byte) (int, error) {
	a.conn.out = append(a.conn.out, p...)
	return len(p), nil
}

// flush writes what was gathered, unless somebody does already: then that one will. It is called with mu held, and
// lets go of it while it writes.
func (c *Conn) flush() {
	if c.writing || len(c.out) == 0 {
		return
	}
	c.writing = true
	c.mu.Unlock()
	runtime.Gosched() // other workers may have something to add
	c.mu.Lock()
	for len(c.out) > 0 && c.writeErr == nil {
		out := c.out
		c.out = c.spare[:0]
		err := c.slow.Extend(c.conn.SetWriteDeadline, time.Now(), c.options.Body)
		c.mu.Unlock()
		if err == nil {
			_, err = c.conn.Write(out)
		}
		c.mu.Lock()
		c.spare = out[:0]
		if err != nil {
			c.writeErr = err
			c.conn.Close() // so that the reader ends too
		}
		c.written.Broadcast()
	}
	c.writing = false
}

// flushAll returns when everything is written, by whomever, or can't be. It is called with mu held.
func (c *Conn) flushAll() {
	for (c.writing || len(c.out) > 0) && c.writeErr == nil {
		if c.writing {
			c.written.Wait()
		} else {
			c.flush()
		}
	}
}

// waitForRoom waits until not too much is gathered: a client that does not read must not fill the memory with what
// it makes us answer. It is called with mu held.
func (c *Conn) waitForRoom() {
	for len(c.out) > gathered && c.writeErr == nil && !c.closed {
		if c.writing {
			c.written.Wait()
		} else {
			c.flush()
		}
	}
}

// appendFrameHeader appends the nine bytes that begin a frame (RFC 9113 section 4.1).
func appendFrameHeader(dst []byte, length int, kind xhttp2.FrameType, flags xhttp2.Flags, stream uint32) []byte {
	dst = append(dst, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags))
	return binary.BigEndian.AppendUint32(dst, stream)
}

// WriteHeader sends the header of a reply: the endpoint's fields that are forwarded (none if reply is nil), and the
// field lines of extra. It is written with what follows.
func (s *Stream) WriteHeader(status int, reply *message.Response, hsts bool, extra []byte, ends bool) error {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waitForRoom()
	if s.gone || c.writeErr != nil {
		return ErrGone
	}
	start := len(c.out)
	c.out = appendFrameHeader(c.out, 0, xhttp2.FrameHeaders, 0, s.id)
	c.out = appendStatus(c.out, status)
	if reply != nil {
		for i := range reply.Fields {
			if field := &reply.Fields[i]; field.Forwarded(hsts) {
				c.out = appendField(c.out, field.Name, field.Value)
			}
		}
	}
	c.out = appendLines(c.out, extra)
	c.endHeaderFrame(start, s.id, ends)
	if ends {
		s.localClosed = true
	}
	return nil
}

// endHeaderFrame fills in the frame header at start, and cuts what follows it into frames that are small enough.
func (c *Conn) endHeaderFrame(start int, stream uint32, ends bool) {
	var flags xhttp2.Flags
	if ends {
		flags = xhttp2.FlagHeadersEndStream
	}
	size := len(c.out) - start - 9
	if size <= c.maxSendFrame {
		appendFrameHeader(c.out[:start], size, xhttp2.FrameHeaders, flags|xhttp2.FlagHeadersEndHeaders, stream)
		return
	}
	block := append([]byte(nil), c.out[start+9:]...)
	c.out = c.out[:start]
	for kind := xhttp2.FrameHeaders; len(block) > 0; kind = xhttp2.FrameContinuation {
		n := min(len(block), c.maxSendFrame)
		if n == len(block) {
			flags |= xhttp2.FlagHeadersEndHeaders // the same bit in both kinds
		}
		c.out = append(appendFrameHeader(c.out, n, kind, flags, stream), block[:n]...)
		block, flags = block[n:], 0
	}
}

// WriteData sends a piece of the reply's body. Small pieces are gathered until Flush or End.
func (s *Stream) WriteData(piece []byte) error {
	if len(s.pending)+len(piece) <= maxFrame {
		s.pending = append(s.pending, piece...)
		return nil
	}
	if err := s.send(s.pending, false); err != nil {
		return err
	}
	s.pending = s.pending[:0]
	return s.send(piece, false)
}

// Flush writes what was gathered.
func (s *Stream) Flush() error {
	if err := s.send(s.pending, false); err != nil {
		return err
	}
	s.pending = s.pending[:0]
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.conn.flush()
	return nil
}

// End ends the reply, unless WriteHeader has.
func (s *Stream) End(trailers []message.Field) error {
	hasTrailers := false
	for i := range trailers {
		hasTrailers = hasTrailers || trailers[i].AllowedInTrailers()
	}
	s.conn.mu.Lock()
	closed := s.localClosed && !s.gone
	s.conn.mu.Unlock()
	if !closed {
		if err := s.send(s.pending, !hasTrailers); err != nil {
			return err
		}
		s.pending = s.pending[:0]
		if hasTrailers {
			s.writeTrailers(trailers)
		}
	}
	return nil // finish will flush
}

func (s *Stream) writeTrailers(trailers []message.Field) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	start := len(c.out)
	c.out = appendFrameHeader(c.out, 0, xhttp2.FrameHeaders, 0, s.id)
	for i := range trailers {
		if trailers[i].AllowedInTrailers() {
			c.out = appendField(c.out, trailers[i].Name, trailers[i].Value)
		}
	}
	c.endHeaderFrame(start, s.id, true)
	s.localClosed = true
}

// Abort ends the stream so that the client sees that the reply is not whole.
func (s *Stream) Abort() {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.localClosed {
		_ = c.framer.WriteRSTStream(s.id, xhttp2.ErrCodeInternal)
		s.localClosed, s.remoteClosed = true, true
	}
}

// send writes DATA frames as far as both windows allow, and waits for more. It returns with everything gathered, not
// necessarily written.
func (s *Stream) send(data []byte, ends bool) error {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(data) > 0 || ends {
		c.waitForRoom()
		if s.gone || s.localClosed || c.writeErr != nil || c.closed {
			return ErrGone
		}
		n := int(min(int64(len(data)), s.sendWindow, c.sendWindow, int64(c.maxSendFrame)))
		if n <= 0 && len(data) > 0 {
			if err := s.waitForWindow(); err != nil {
				return err
			}
			continue
		}
		var flags xhttp2.Flags
		if ends && n == len(data) {
			flags, ends = xhttp2.FlagDataEndStream, false
			s.localClosed = true
		}
		c.out = append(appendFrameHeader(c.out, n, xhttp2.FrameData, flags, s.id), data[:n]...)
		s.sendWindow -= int64(n)
		c.sendWindow -= int64(n)
		data = data[n:]
	}
	return nil
}

// waitForWindow waits until the client takes more. It is called with mu held.
func (s *Stream) waitForWindow() error {
	c := s.conn
	c.flush()
	slow := false
	timer := time.AfterFunc(c.options.Body, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		slow = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	for (s.sendWindow <= 0 || c.sendWindow <= 0) && !s.gone && c.writeErr == nil && !c.closed {
		if slow {
			return os.ErrDeadlineExceeded
		}
		s.changed.Wait()
	}
	return nil
}
