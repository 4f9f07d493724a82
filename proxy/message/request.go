package message

import (
	"bytes"

	"github.com/ingress-testbed/testbed/proxy/quirk"
)

// Request is a request's header.
type Request struct {
	Method []byte
	// Host is the authority that the request is for: of the target, if that has one, else of the Host field.
	Host []byte
	// HostField is the value of the Host field where that is forwarded although Host is that of the target
	// (quirk.HostField); nil otherwise.
	HostField []byte
	// Path and Query are the target's; the query has no question mark. HasQuery tells "/?" from "/".
	Path, Query []byte
	HasQuery    bool
	Asterisk    bool // the target is "*"
	// Scheme is that of an absolute target (RFC 9112 section 3.2.2), "http" or "https" in any case; nil if the target
	// has none. The connection, not the client, reports whether a request is secured.
	Scheme []byte
	Major  uint8
	Minor  uint8
	Fields []Field

	// Length of the body in bytes; -1 if only its end will tell.
	Length  int64
	Chunked bool // in HTTP/1.1
	// Close is true if the client sends no further request on this connection.
	Close bool
	// Upgrade is what protocols the client offers to change to (RFC 9110 section 7.8). It is empty if there is none, or
	// if one of them would carry requests past the proxy: HTTP of any version, "h2c", or TLS.
	Upgrade []byte
	// LoneUpgrade is true if the client has not nominated Upgrade in Connection (quirk.LoneUpgrade): it does not expect
	// that protocols are switched.
	LoneUpgrade     bool
	ExpectsContinue bool
	TakesTrailers   bool // the client said "TE: trailers"

	block []byte
}

// AllowLine is the Allow field line (RFC 9110 section 10.2.1) of a reply with status 405, and of one to OPTIONS that
// the proxy implements itself. Methods that are not in it are forwarded, but for CONNECT and TRACE.
const AllowLine = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"

// Errors of requests.
var (
	ErrRequestLine      = bad("the request line is malformed")
	ErrVersion          = &Error{Status: 505, Reason: "the HTTP version is not supported"}
	ErrTarget           = bad("the request target is malformed")
	ErrMethod           = &Error{Status: 405, Reason: "the method is not allowed"} // answered with AllowLine
	ErrHostCount        = bad("there is not exactly one Host field")
	ErrHost             = bad("the host is malformed")
	ErrContentLength    = bad("Content-Length is repeated or not a number")
	ErrLengthTwice      = bad("the length of the body is given in two ways")
	ErrTransferEncoding = bad("Transfer-Encoding is repeated or empty, or chunked is not its end")
	ErrUnknownCoding    = &Error{Status: 501, Reason: "the transfer coding is not supported"}
	ErrExpectation      = &Error{Status: 417, Reason: "the expectation is not supported"}
)

// Parse is ParseWith without quirks, and without a limit for a line.
func (r *Request) Parse(head []byte, maxFields int) error {
	return r.ParseWith(head, &Reading{Fields: maxFields})
}

// ParseWith reads a header: head is everything up to and including the empty line. The Request keeps slices of head; its
// own slices are used again.
func (r *Request) ParseWith(head []byte, reading *Reading) error {
	*r = Request{Fields: r.Fields[:0], Major: 1}
	rest, err := r.parseRequestLine(head, reading)
	if err != nil {
		return err
	}
	r.block = rest[:len(rest)-2]
	if r.Fields, err = ParseFields(r.Fields, r.block, reading.Fields); err != nil {
		return err
	}
	if err := reading.checkLines(r.Fields); err != nil {
		return err
	}
	return r.interpret(reading)
}

// parseRequestLine returns what follows the line.
func (r *Request) parseRequestLine(head []byte, reading *Reading) ([]byte, error) {
	space := bytes.IndexByte(head, ' ')
	if space <= 0 || !reading.validMethod(head[:space]) {
		return nil, ErrRequestLine
	}
	r.Method = head[:space]
	end, err := lineEnd(head, space+1)
	if err != nil {
		return nil, ErrRequestLine
	}
	if reading.Line > 0 && end+2 > reading.Line {
		return nil, ErrTargetTooLong
	}
	line := head[space+1 : end]
	space = bytes.IndexByte(line, ' ')
	if space <= 0 {
		return nil, ErrRequestLine
	}
	target, version := line[:space], line[space+1:]
	if len(version) != 8 || string(version[:5]) != "HTTP/" || version[6] != '.' ||
		version[5]-'0' > 9 || version[7]-'0' > 9 {
		return nil, ErrRequestLine
	}
	switch {
	case version[5] == '0' && reading.Quirks.Has(quirk.RequestLines):
		return nil, ErrRequestLine
	case version[5] != '1':
		return nil, ErrVersion
	}
	r.Minor = min(version[7]-'0', 1)
	return head[end+2:], r.parseTarget(target, reading.Quirks)
}

// parseTarget takes the target apart (RFC 9112 section 3.2).
func (r *Request) parseTarget(target []byte, quirks quirk.Set) error {
	if bytes.IndexByte(target, '#') >= 0 || bytes.IndexByte(target, '\t') >= 0 {
		return ErrTarget
	}
	switch {
	case string(r.Method) == "CONNECT" && target[0] != '/' && quirks.Has(quirk.RequestLines):
		return ErrTarget
	case string(r.Method) == "CONNECT", string(r.Method) == "TRACE":
		// Tunnels are not offered, and TRACE would show the client the fields that the proxy sends to endpoints.
		return ErrMethod
	case target[0] == '/':
	case len(target) == 1 && target[0] == '*':
		if string(r.Method) != "OPTIONS" || quirks.Has(quirk.RequestLines) {
			return ErrTarget
		}
		r.Asterisk = true
		return nil
	default:
		var err error
		if r.Scheme, r.Host, target, err = cutAbsoluteForm(target); err != nil {
			return err
		}
	}
	r.SetTarget(target)
	return nil
}

// SetTarget sets Path and Query from an origin-form target.
func (r *Request) SetTarget(target []byte) {
	r.Path = target
	if mark := bytes.IndexByte(target, '?'); mark >= 0 {
		r.Path, r.Query, r.HasQuery = target[:mark], target[mark+1:], true
	}
}

// cutAbsoluteForm splits "http://host/path?query"; a missing path is "/".
func cutAbsoluteForm(target []byte) (scheme, authority, path []byte, err error) {
	scheme, rest, found := bytes.Cut(target, []byte("://"))
	if !found || !EqualFold(scheme, "http") && !EqualFold(scheme, "https") {
		return nil, nil, nil, ErrTarget
	}
	end := bytes.IndexAny(rest, "/?")
	switch {
	case end == 0 || len(rest) == 0: // the authority must not be empty (RFC 9110 section 4.2)
		return nil, nil, nil, ErrTarget
	case end < 0:
		return scheme, rest, []byte("/"), nil
	case rest[end] == '?':
		return scheme, rest[:end], append([]byte("/"), rest[end:]...), nil
	}
	return scheme, rest[:end], rest[end:], nil
}

// IsSafe reports whether the method is safe (RFC 9110 section 9.2.1): the request may be sent again without the client
// knowing. PUT and DELETE are idempotent too, but what they answer the second time may differ.
func (r *Request) IsSafe() bool {
	switch string(r.Method) {
	case "GET", "HEAD", "OPTIONS":
		return true
	}
	return false
}

// HasBody reports whether a body may follow, however short.
func (r *Request) HasBody() bool { return r.Length != 0 }

// Value returns the value of the first field of that kind; nil if there is none.
func (r *Request) Value(kind Kind) []byte { return valueOf(r.Fields, kind) }

// Lookup finds the first field of a name in any case. It does not find what was removed, "Proxy", and
// names with underscores or other unusual characters that were not allowed: decisions must not hang on what endpoints
// don't see.
func (r *Request) Lookup(name string) (value []byte, found bool) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if !f.Kind.gone() && !f.Kind.suspect() && sameName(f.Name, name) {
			return f.Value, true
		}
	}
	return nil, false
}

func valueOf(fields []Field, kind Kind) []byte {
	for i := range fields {
		if fields[i].Kind == kind {
			return fields[i].Value
		}
	}
	return nil
}

// Subrequest sets to a request of the proxy's own, in the name of the client: it has the client's header, but another
// method, and neither body nor upgrade. It keeps slices of the request; its own Fields are used again. The target is
// left to the caller.
func (r *Request) Subrequest(to *Request, method []byte) {
	fields := append(to.Fields[:0], r.Fields...)
	*to = *r
	to.Fields, to.Method, to.Scheme = fields, method, nil
	to.Query, to.HasQuery = nil, false
	to.Length, to.Chunked, to.Upgrade, to.LoneUpgrade, to.ExpectsContinue, to.TakesTrailers = 0, false, nil, false, false, false
	for i := range to.Fields {
		switch field := &to.Fields[i]; field.Kind {
		case ContentLength, Expect, MaxForwards, Trailer:
			field.Kind = removed
		default:
		}
	}
}
