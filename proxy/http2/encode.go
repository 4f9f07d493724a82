package http2

import (
	"bytes"
	"strconv"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Replies are encoded as literals without indexing, with names from the static table where it has them, as nginx does.

// staticNames are names of fields in replies, with their index in the static table (RFC 7541 appendix A).
//
//nolint:gochecknoglobals // a table that is never changed
var staticNames = map[string]byte{
	"accept-ranges": 18, "access-control-allow-origin": 20, "age": 21, "allow": 22, "cache-control": 24,
	"content-disposition": 25, "content-encoding": 26, "content-language": 27, "content-length": 28,
	"content-location": 29, "content-range": 30, "content-type": 31, "date": 33, "etag": 34, "expires": 36,
	"last-modified": 44, "link": 45, "location": 46, "retry-after": 53, "server": 54, "set-cookie": 55,
	"strict-transport-security": 56, "vary": 59, "via": 60, "www-authenticate": 61,
}

// appendStatus appends the pseudo-header field of a reply.
func appendStatus(dst []byte, status int) []byte {
	switch status { // entries of the static table
	case 200:
		return append(dst, 0x88)
	case 204:
		return append(dst, 0x89)
	case 206:
		return append(dst, 0x8a)
	case 304:
		return append(dst, 0x8b)
	case 400:
		return append(dst, 0x8c)
	case 404:
		return append(dst, 0x8d)
	case 500:
		return append(dst, 0x8e)
	}
	dst = append(dst, 0x08, 3) // literal without indexing, name ":status"
	return strconv.AppendInt(dst, int64(status), 10)
}

// appendField appends a literal field without indexing (RFC 7541 section 6.2.2). The name is converted to lower case.
func appendField(dst, name, value []byte) []byte {
	var buffer [64]byte
	lower := buffer[:0]
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower = append(lower, c)
	}
	if index, has := staticNames[string(lower)]; has {
		dst = appendInteger(dst, 4, 0, int(index))
	} else {
		dst = append(dst, 0)
		dst = appendInteger(dst, 7, 0, len(lower))
		dst = append(dst, lower...)
	}
	dst = appendInteger(dst, 7, 0, len(value))
	return append(dst, value...)
}

// appendForwarded appends the fields of an endpoint's reply that are forwarded; Content-Length only if length is set.
func appendForwarded(dst []byte, fields []message.Field, length bool) []byte {
	for i := range fields {
		field := &fields[i]
		if field.IsForwarded() && (length || field.Kind != message.ContentLength) {
			dst = appendField(dst, field.Name, field.Value)
		}
	}
	return dst
}

// appendTrailers appends the fields that may be forwarded in a trailer section.
func appendTrailers(dst []byte, fields []message.Field) []byte {
	for i := range fields {
		if fields[i].AllowedInTrailers() {
			dst = appendField(dst, fields[i].Name, fields[i].Value)
		}
	}
	return dst
}

// appendLines appends the proxy's own field lines, each "Name: value" and CR LF; Content-Length only if length is set.
func appendLines(dst, lines []byte, length bool) []byte {
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(": "))
		if length || !message.EqualFold(name, "content-length") {
			dst = appendField(dst, name, value)
		}
	}
	return dst
}

// appendTableSizeUpdate appends a dynamic table size update to 0 (RFC 7541 section 6.3).
func appendTableSizeUpdate(dst []byte) []byte { return append(dst, 0x20) }

// appendInteger appends an integer with a prefix of so many bits (RFC 7541 section 5.1); pattern is the rest of the byte.
func appendInteger(dst []byte, bits uint, pattern byte, n int) []byte {
	limit := 1<<bits - 1
	if n < limit {
		return append(dst, pattern|byte(n))
	}
	dst = append(dst, pattern|byte(limit))
	for n -= limit; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}
