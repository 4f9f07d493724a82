package message

import (
	"net/http"
	"strconv"

	"github.com/ingress-testbed/testbed/proxy/quirk"
)

// FromHTTP2 sets the response to one that was received over HTTP/2. Its fields are checked as if they had been received
// over HTTP/1.1, because they may be forwarded over HTTP/1.1. length is the size of the body in bytes, -1 if it is not
// known; a Content-Length field is added for it, except to replies that must not have one (RFC 9110 section 8.6).
func (r *Response) FromHTTP2(status int, header http.Header, length int64) error {
	var block []byte
	for name, values := range header {
		for _, value := range values {
			block = append(block, name...)
			block = append(block, ": "...)
			block = append(block, value...)
			block = append(block, "\r\n"...)
		}
	}
	if length >= 0 && header.Get("Content-Length") == "" && !neverHasContent(status) {
		block = append(block, "Content-Length: "...)
		block = strconv.AppendInt(block, length, 10)
		block = append(block, "\r\n"...)
	}
	fields, err := ParseFields(nil, block, 1<<10)
	if err != nil {
		return err
	}
	*r = Response{Status: status, Minor: 1, Fields: fields, Length: length, block: block}
	return nil
}

// neverHasContent reports whether replies with that status have no content, whatever the method of the request (RFC
// 9110 section 6.4.1).
func neverHasContent(status int) bool {
	return status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

// TrailersOf are trailers that came over HTTP/2, as fields.
func TrailersOf(trailer http.Header) []Field {
	var fields []Field
	for name, values := range trailer {
		for _, value := range values {
			if IsToken([]byte(name)) && isValue(value) {
				fields = append(fields, Field{Name: []byte(name), Value: []byte(value), Kind: kindOf([]byte(name))})
			}
		}
	}
	return fields
}

func isValue(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// ErrMalformed is the error of a request that violates RFC 9113 section 8: its stream is reset.
var ErrMalformed = bad("the request is malformed")

// PseudoFields are the pseudo-header fields of a request (RFC 9113 section 8.3.1).
type PseudoFields struct {
	method, scheme, authority, path             string
	hasMethod, hasScheme, hasAuthority, hasPath bool
}

// Method is the method, empty if the request has none.
func (p *PseudoFields) Method() string { return p.method }

// Reset removes all fields.
func (p *PseudoFields) Reset() { *p = PseudoFields{} }

// Any reports whether there is a field.
func (p *PseudoFields) Any() bool { return *p != PseudoFields{} }

// Set sets a field. It reports false if the name is unknown or the field was set before.
func (p *PseudoFields) Set(name, value string) bool {
	set := func(field *string, has *bool) bool {
		if *has {
			return false
		}
		*field, *has = value, true
		return true
	}
	switch name {
	case ":method":
		return set(&p.method, &p.hasMethod)
	case ":scheme":
		return set(&p.scheme, &p.hasScheme)
	case ":authority":
		return set(&p.authority, &p.hasAuthority)
	case ":path":
		return set(&p.path, &p.hasPath)
	}
	return false
}

// FromHTTP2 sets the request to one that was received over HTTP/2; block is its field lines as in HTTP/1.1. The error
// is ErrMalformed if the stream must be reset; any other *Error is answered with its status. The method is set in any
// case, so that the reply to HEAD can be framed.
//
// The scheme must be http or https: no other can be served, and RFC 9113 section 8.3.1 leaves no room for values that
// are not schemes. A request without :authority and Host, or with an empty one, is answered 400, as by nginx.
func (r *Request) FromHTTP2(p *PseudoFields, block []byte, endsStream bool, reading *Reading) error {
	*r = Request{Fields: r.Fields[:0], Major: 2, block: block}
	r.Method = []byte(p.method)
	if !p.hasMethod || !IsToken(r.Method) {
		return ErrMalformed
	}
	if p.method == "CONNECT" || p.method == "TRACE" {
		return ErrMethod
	}
	if p.scheme != "http" && p.scheme != "https" || !p.hasPath || p.path == "" {
		return ErrMalformed
	}
	var err error
	if r.Fields, err = ParseFields(r.Fields, block, reading.Fields); err != nil {
		return err
	}
	if err := reading.checkLines(r.Fields); err != nil {
		return err
	}
	if err := r.interpretHTTP2(p, endsStream, reading); err != nil {
		return err
	}
	if r.Asterisk = p.path == "*" && p.method == "OPTIONS" && !reading.Quirks.Has(quirk.RequestLines); r.Asterisk {
		return nil
	}
	switch {
	case !reading.validMethod(r.Method):
		return ErrRequestLine
	case reading.Line > 0 && len(p.path) > reading.Line:
		return ErrTargetTooLong
	}
	if p.path[0] != '/' {
		return ErrTarget
	}
	for i := range len(p.path) {
		if c := p.path[i]; c <= ' ' || c == 0x7f || c == '#' {
			return ErrTarget
		}
	}
	r.SetTarget([]byte(p.path))
	return nil
}

func (r *Request) interpretHTTP2(p *PseudoFields, endsStream bool, reading *Reading) error {
	if p.hasAuthority {
		r.Host = []byte(p.authority)
	}
	var framing framing
	for i := range r.Fields {
		switch field := &r.Fields[i]; field.Kind {
		case Host:
			if r.Host != nil && string(field.Value) != string(r.Host) {
				return ErrMalformed
			}
			r.Host = field.Value
		case ContentLength:
			if framing.read(field) != nil {
				return ErrMalformed
			}
		case Expect:
			expects, err := parseExpect(field.Value)
			if err != nil {
				return err
			}
			r.ExpectsContinue = r.ExpectsContinue || expects
		case TE:
			r.TakesTrailers = true
		default:
		}
	}
	if len(r.Host) == 0 {
		return ErrHostCount
	}
	if !reading.validHost(r.Host) {
		return ErrHost
	}
	switch {
	case endsStream && framing.size != 0:
		return ErrMalformed
	case !endsStream && framing.lengths == 0:
		r.Length = -1
	default:
		r.Length = framing.size
	}
	return nil
}
