package http2

import (
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// keptHeader is the capacity, in bytes, of the buffers for header blocks that a connection keeps.
const keptHeader = 4 << 10

// headerBlock is a field section (RFC 9113 section 4.3) that is being read and decoded.
type headerBlock struct {
	open       bool // more frames follow
	stream     uint32
	endsStream bool
	selfDepend bool
	frames     int    // CONTINUATIONs
	encoded    []byte // of a block that takes several frames

	// What it decodes to:
	pseudo    message.PseudoFields
	lines     []byte // of the other fields, as in HTTP/1.1
	cookie    []byte // all parts of it
	size      int    // in bytes, as defined for Options.Reading.Bytes
	limit     int    // above which nothing more is kept
	malformed bool
	regular   bool // a field that is not a pseudo-header field was decoded
}

func (h *headerBlock) begin(limit int) {
	h.pseudo.Reset()
	h.lines, h.cookie = h.lines[:0], h.cookie[:0]
	h.size, h.limit, h.malformed, h.regular = 0, limit, false, false
}

// release drops the buffers that are large. What they hold is not needed any more.
func (h *headerBlock) release() {
	h.pseudo.Reset() // its strings may be large, too
	if cap(h.lines) > keptHeader {
		h.lines = nil
	}
	if cap(h.cookie) > keptHeader {
		h.cookie = nil
	}
}

// emit takes a field from the decoder (RFC 9113 section 8.2). Decoding continues whatever is wrong with a field.
func (h *headerBlock) emit(field hpack.HeaderField) {
	h.size += len(field.Name) + len(field.Value) + len(": \r\n")
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

// appendLines appends the field lines as in HTTP/1.1.
func (h *headerBlock) appendLines(dst []byte) []byte {
	dst = append(dst, h.lines...)
	if len(h.cookie) > 0 {
		dst = append(dst, "cookie: "...)
		dst = append(dst, h.cookie...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// isValue reports whether text is a field value: without control characters, which could end a line, and without white
// space around it (RFC 9113 section 8.2.1).
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
