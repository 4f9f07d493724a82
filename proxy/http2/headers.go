package http2

import (
	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// maxContinuations bounds the frames of one header: a client can send any number that are empty.
const maxContinuations = 16

// headerBlock is a field section (RFC 9113 section 4.3) that is being read and decoded.
type headerBlock struct {
	open       bool // more frames follow
	stream     uint32
	endsStream bool
	selfDepend bool
	frames     int
	encoded    []byte

	// what it decodes to
	pseudo    message.PseudoFields
	lines     []byte // of the other fields, as in HTTP/1.1
	cookie    []byte // all its parts
	size      int
	limit     int
	malformed bool
	regular   bool // a field that is no pseudo-field has come
}

func (c *Conn) handleHeaders(f *xhttp2.HeadersFrame) error {
	h := &c.headers
	h.stream, h.endsStream, h.frames = f.StreamID, f.StreamEnded(), 0
	h.selfDepend = f.HasPriority() && f.Priority.StreamDep == f.StreamID
	h.encoded = append(h.encoded[:0], f.HeaderBlockFragment()...)
	h.open = !f.HeadersEnded()
	if h.open {
		return nil
	}
	return c.endHeaders()
}

func (c *Conn) handleContinuation(f *xhttp2.ContinuationFrame) error {
	h := &c.headers
	h.frames++
	if h.frames > maxContinuations || len(h.encoded)+len(f.HeaderBlockFragment()) > 2*c.options.HeaderBytes {
		return calmDown
	}
	h.encoded = append(h.encoded, f.HeaderBlockFragment()...)
	h.open = !f.HeadersEnded()
	if h.open {
		return nil
	}
	return c.endHeaders()
}

// endHeaders decodes a complete section and opens a stream, or ends one with trailers.
func (c *Conn) endHeaders() error {
	h := &c.headers
	h.begin(c.options.HeaderBytes)
	// The section is decoded whatever becomes of it: the decoder's state belongs to the connection.
	if _, err := c.decoder.Write(h.encoded); err != nil {
		return xhttp2.ConnectionError(xhttp2.ErrCodeCompression)
	}
	if err := c.decoder.Close(); err != nil {
		return xhttp2.ConnectionError(xhttp2.ErrCodeCompression)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.streams[h.stream]; s != nil {
		return c.handleTrailers(s)
	}
	if h.stream%2 == 0 || h.stream == 0 {
		return protocolError
	}
	if h.stream <= c.lastID {
		return xhttp2.ConnectionError(xhttp2.ErrCodeStreamClosed)
	}
	if c.away {
		return nil // the client knows that this stream was not served
	}
	c.lastID = h.stream
	if h.selfDepend || h.malformed {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	if c.running >= c.options.Streams {
		return streamError(h.stream, xhttp2.ErrCodeRefusedStream)
	}
	return c.open()
}

// handleTrailers ends the body of a stream. It is called with mu held.
func (c *Conn) handleTrailers(s *Stream) error {
	h := &c.headers
	if s.remoteClosed {
		return streamError(h.stream, xhttp2.ErrCodeStreamClosed)
	}
	if !h.endsStream || h.malformed || h.pseudo.Any() || h.size > h.limit {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	s.trailerLines = append(s.trailerLines[:0], h.lines...)
	var err error
	if s.trailers, err = message.ParseFields(s.trailers[:0], s.trailerLines, c.options.HeaderFields); err != nil {
		return streamError(h.stream, xhttp2.ErrCodeProtocol)
	}
	s.changed.Broadcast()
	return s.endRemote()
}

func (h *headerBlock) begin(limit int) {
	h.pseudo.Reset()
	h.lines, h.cookie = h.lines[:0], h.cookie[:0]
	h.size, h.limit, h.malformed, h.regular = 0, limit, false, false
}

// emit takes a field from the decoder (RFC 9113 section 8.2). What is malformed is noted, and decoding goes on.
func (h *headerBlock) emit(field hpack.HeaderField) {
	h.size += len(field.Name) + len(field.Value) + 4
	if h.malformed || h.size > h.limit {
		return
	}
	if field.IsPseudo() {
		h.malformed = h.regular || !isValue(field.Value) || !h.pseudo.Set(field.Name, field.Value)
		return
	}
	h.regular = true
	if !isLowerToken(field.Name) || !isValue(field.Value) {
		h.malformed = true
		return
	}
	switch field.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		h.malformed = true
	case "te":
		h.malformed = field.Value != "trailers"
	case "cookie": // its parts are joined again (RFC 9113 section 8.2.3)
		if len(h.cookie) > 0 {
			h.cookie = append(h.cookie, "; "...)
		}
		h.cookie = append(h.cookie, field.Value...)
		return
	}
	h.lines = append(h.lines, field.Name...)
	h.lines = append(h.lines, ": "...)
	h.lines = append(h.lines, field.Value...)
	h.lines = append(h.lines, "\r\n"...)
}

// isValue refuses what could end a line, and all other control characters. Clients may not surround values with
// white space.
func isValue(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return text == "" || text[0] > ' ' && text[len(text)-1] > ' '
}

func isLowerToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' || !message.IsTokenCharacter(c) {
			return false
		}
	}
	return name != ""
}
