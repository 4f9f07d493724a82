package http2

import (
	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// maxContinuations bounds the frames of one header block: a client can send any number that are empty.
const maxContinuations = 16

// maxEncoded is how large a header block may be before decompression, as a multiple of Options.Reading.Bytes. Up to this
// size, a header that is too large is answered.
const maxEncoded = 4

func (r *reader) handleHeaders(f *xhttp2.HeadersFrame) error {
	h := &r.headers
	h.stream, h.endsStream, h.frames = f.StreamID, f.StreamEnded(), 0
	h.selfDepend = f.HasPriority() && f.Priority.StreamDep == f.StreamID
	if f.HeadersEnded() {
		return r.endHeaders(f.HeaderBlockFragment())
	}
	h.open = true
	h.encoded = append(h.encoded, f.HeaderBlockFragment()...)
	return nil
}

func (r *reader) handleContinuation(f *xhttp2.ContinuationFrame) error {
	h := &r.headers
	h.frames++
	if h.frames > maxContinuations || len(h.encoded)+len(f.HeaderBlockFragment()) > maxEncoded*r.conn.options.Reading.Bytes {
		return calmDown
	}
	h.encoded = append(h.encoded, f.HeaderBlockFragment()...)
	if !f.HeadersEnded() {
		return nil
	}
	h.open = false
	encoded := h.encoded
	h.encoded = nil // it is rare that a header takes several frames
	return r.endHeaders(encoded)
}

// endHeaders decodes a complete header block, and opens a stream or ends one with trailers.
func (r *reader) endHeaders(encoded []byte) error {
	c, h := r.conn, &r.headers
	h.begin(c.options.Reading.Bytes)
	defer h.release()
	// It is decoded in any case: the decoder's state belongs to the connection.
	if _, err := r.decoder.Write(encoded); err != nil {
		return xhttp2.ConnectionError(xhttp2.ErrCodeCompression)
	}
	if err := r.decoder.Close(); err != nil {
		return xhttp2.ConnectionError(xhttp2.ErrCodeCompression)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.streams.open[h.stream]; s != nil {
		return r.handleTrailers(s)
	}
	if h.stream > c.streams.lastID && h.stream%2 == 1 && !c.shutdown.final {
		return r.handleRequest()
	}
	return r.discardHeaders()
}

// handleRequest opens a stream. It is called with the connection's mutex held.
func (r *reader) handleRequest() error {
	c, h := r.conn, &r.headers
	c.streams.lastID = h.stream
	if h.selfDepend || h.malformed {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	if c.workers.running >= c.options.Streams {
		return streamError(h.stream, xhttp2.ErrCodeRefusedStream)
	}
	s := c.streams.get(c)
	if err := s.begin(h, c.initialWindow, &c.options.Reading); err != nil {
		c.streams.put(s)
		return err
	}
	c.frames.forgive(requestCredit)
	c.streams.open[s.id] = s
	c.workers.start(s)
	if c.shutdown.atRequest {
		c.drain()
	}
	return nil
}

// discardHeaders handles a header block for a stream that is not open. It is called with the connection's mutex held.
func (r *reader) discardHeaders() error {
	c, h := r.conn, &r.headers
	state, err := r.classify(h.stream)
	switch {
	case err != nil:
		return err
	case state == ended:
		return xhttp2.ConnectionError(xhttp2.ErrCodeStreamClosed)
	case h.stream <= c.streams.lastID && (h.pseudo.Any() || !h.endsStream):
		// These are not the trailers of a stream that was reset: the client opens streams in the wrong order.
		return protocolError
	case !c.frames.charge(frameCost(xhttp2.FrameHeaders)):
		return calmDown
	}
	return nil
}

// handleTrailers ends the body of a stream. It is called with the connection's mutex held.
func (r *reader) handleTrailers(s *Stream) error {
	h := &r.headers
	if s.remoteClosed {
		return streamError(h.stream, xhttp2.ErrCodeStreamClosed)
	}
	if !h.endsStream || h.malformed || h.pseudo.Any() || h.size > h.limit {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	b := &s.body
	b.trailerLines = append(b.trailerLines[:0], h.lines...)
	var err error
	if b.trailers, err = message.ParseFields(b.trailers[:0], b.trailerLines, r.conn.options.Reading.Fields); err != nil {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	b.waiter.changed.Broadcast()
	return s.endRemote()
}
