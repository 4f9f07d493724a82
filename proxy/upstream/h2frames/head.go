package h2frames

import (
	"errors"

	"golang.org/x/net/http2/hpack"
)

// Errors of field sections of replies (RFC 9113 section 8.2 and 8.3).
var (
	ErrMalformed = errors.New("the header of the HTTP/2 reply is malformed")
	ErrTooLarge  = errors.New("the header of the HTTP/2 reply is too large")
)

// Section is a field section of a reply, its header or its trailers, in the form of HTTP/1.1.
type Section struct {
	// Lines are the status line, unless it is Trailers, and the fields, each line with its CR LF.
	Lines    []byte
	Status   int
	Trailers bool
	Err      error

	size, limit int
	regular     bool // a field that is not a pseudo-field has come
}

const statusLine = "HTTP/1.1 000 \r\n"

// Begin forgets the fields. limit bounds the size of the section as RFC 9113 section 6.5.2 counts it
// (SETTINGS_MAX_HEADER_LIST_SIZE).
func (s *Section) Begin(trailers bool, limit int) {
	*s = Section{Lines: s.Lines[:0], Trailers: trailers, limit: limit}
	if !trailers {
		s.Lines = append(s.Lines, statusLine...)
	}
}

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
	if !validName(f.Name) || connectionSpecific(f.Name) {
		s.Err = ErrMalformed
		return
	}
	s.Lines = append(s.Lines, f.Name...)
	s.Lines = append(s.Lines, ':', ' ')
	s.Lines = append(s.Lines, f.Value...)
	s.Lines = append(s.Lines, '\r', '\n')
	for i := range len(f.Value) {
		if c := f.Value[i]; c < ' ' && c != '\t' || c == 0x7f {
			s.Err = ErrMalformed
		}
	}
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
		s.Lines[len("HTTP/1.1 ")+i] = c
	}
}

// End checks that the section is complete and returns it as a header of HTTP/1.1 if it is one, with the empty line at its
// end, else as lines.
func (s *Section) End() ([]byte, error) {
	switch {
	case s.Err != nil:
		return nil, s.Err
	case s.Trailers:
		return s.Lines, nil
	case s.Status < 100:
		return nil, ErrMalformed
	}
	s.Lines = append(s.Lines, '\r', '\n')
	return s.Lines, nil
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
