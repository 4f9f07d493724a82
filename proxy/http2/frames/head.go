package frames

import (
	"errors"
	"strconv"

	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Errors of field sections of replies (RFC 9113 sections 8.2 and 8.3).
var (
	ErrMalformed = errors.New("the header of the HTTP/2 reply is malformed")
	ErrTooLarge  = errors.New("the header of the HTTP/2 reply is too large")
)

// Section is a field section of a reply, its header or its trailers.
type Section struct {
	Status   int // 0 in trailers
	Trailers bool
	// Length is the content-length; -1 if there is none.
	Length int64
	// Err is why the section is refused.
	Err error

	lines       []byte // in the form of HTTP/1.1
	size, limit int
	regular     bool // a field that is not a pseudo-field has come
	announced   bool // a field "trailer" has come
}

// Begin clears the fields. limit bounds the size of the section as RFC 9113 section 6.5.2 counts it
// (SETTINGS_MAX_HEADER_LIST_SIZE).
func (s *Section) Begin(trailers bool, limit int) {
	*s = Section{lines: s.lines[:0], Trailers: trailers, Length: -1, limit: limit}
}

// Size is the number of bytes of the section as Begin's limit counts them.
func (s *Section) Size() int { return s.size }

// Emit takes a field from the decoder.
func (s *Section) Emit(f hpack.HeaderField) {
	if s.Err != nil {
		return
	}
	if s.size += int(f.Size()); s.size > s.limit {
		s.Err = ErrTooLarge
		return
	}
	if f.IsPseudo() {
		s.setStatus(f)
		return
	}
	s.regular = true
	if !validName(f.Name) || !validValue(f.Value) || connectionSpecific(f.Name) {
		s.Err = ErrMalformed
		return
	}
	switch {
	case f.Name == "content-length" && !s.Trailers:
		s.setLength(f.Value)
		return
	case f.Name == "trailer":
		s.announced = true
	}
	s.append(f.Name, f.Value)
}

func (s *Section) append(name, value string) {
	s.lines = append(s.lines, name...)
	s.lines = append(s.lines, ':', ' ')
	s.lines = append(s.lines, value...)
	s.lines = append(s.lines, '\r', '\n')
}

func (s *Section) setStatus(f hpack.HeaderField) {
	if s.Trailers || s.regular || s.Status != 0 || f.Name != ":status" || len(f.Value) != 3 {
		s.Err = ErrMalformed
		return
	}
	for i := range 3 {
		c := f.Value[i]
		if c < '0' || c > '9' {
			s.Err = ErrMalformed
			return
		}
		s.Status = s.Status*10 + int(c-'0')
	}
}

func (s *Section) setLength(value string) {
	var buffer [20]byte
	n, ok := message.ParseLength(append(buffer[:0], value...))
	if !ok || s.Length >= 0 && s.Length != n {
		s.Err = ErrMalformed
		return
	}
	s.Length = n
}

// End checks that the section is complete and returns its fields as lines of HTTP/1.1, each with its CR LF, which are
// valid until the next Begin. Content-Length is left out if trailers were announced: in HTTP/1.1 trailers need chunks, and
// chunks go without a length.
func (s *Section) End() ([]byte, error) {
	switch {
	case s.Err != nil:
		return nil, s.Err
	case s.Trailers:
		return s.lines, nil
	case s.Status < 100:
		return nil, ErrMalformed
	}
	if s.Length >= 0 && !s.announced {
		s.lines = append(s.lines, "content-length: "...)
		s.lines = strconv.AppendInt(s.lines, s.Length, 10)
		s.lines = append(s.lines, '\r', '\n')
	}
	return s.lines, nil
}

// Keep returns the lines so that the next Begin does not reuse them, and takes others for that.
func (s *Section) Keep(others []byte) (lines []byte) {
	lines, s.lines = s.lines, others
	return lines
}

// validName reports whether a name is a token in lower case.
func validName(name string) bool {
	for i := range len(name) {
		if !nameCharacters[name[i]] {
			return false
		}
	}
	return name != ""
}

// validValue reports whether a value has no control character but HTAB.
func validValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

//nolint:gochecknoglobals // a table that is never changed
var nameCharacters = func() (table [256]bool) {
	for c := range table {
		table[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		table[c] = true
	}
	return table
}()

// connectionSpecific reports whether a field must not be in a message of HTTP/2 (RFC 9113 section 8.2.2).
func connectionSpecific(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return true
	}
	return false
}
