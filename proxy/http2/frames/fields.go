package frames

import (
	"bytes"
	"strconv"
)

// Fields are encoded without the dynamic table of HPACK (RFC 7541): literals whose name is in the static table where it
// can be. That needs no state, and works with any table size.

// staticNames are names of fields with their index in the static table (RFC 7541 appendix A).
//
//nolint:gochecknoglobals // a table that is never changed
var staticNames = map[string]byte{
	":authority": 1, ":method": 2, ":path": 4, ":scheme": 6, "accept": 19, "accept-charset": 15,
	"accept-encoding": 16, "accept-language": 17, "accept-ranges": 18, "access-control-allow-origin": 20,
	"age": 21, "allow": 22, "authorization": 23, "cache-control": 24, "content-disposition": 25,
	"content-encoding": 26, "content-language": 27, "content-length": 28, "content-location": 29,
	"content-range": 30, "content-type": 31, "cookie": 32, "date": 33, "etag": 34, "expect": 35, "expires": 36,
	"from": 37, "if-match": 39, "if-modified-since": 40, "if-none-match": 41, "if-range": 42,
	"if-unmodified-since": 43, "last-modified": 44, "link": 45, "location": 46, "max-forwards": 47, "range": 50,
	"referer": 51, "retry-after": 53, "server": 54, "set-cookie": 55, "strict-transport-security": 56,
	"user-agent": 58, "vary": 59, "via": 60, "www-authenticate": 61,
}

const (
	withoutIndexing = 0x00 // RFC 7541 section 6.2.2
	neverIndexed    = 0x10 // section 6.2.3
)

// AppendStatus appends the pseudo-header field of a reply.
func AppendStatus(dst []byte, status int) []byte {
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

// AppendMethod appends the pseudo-field of a method.
func AppendMethod(dst, method []byte) []byte {
	switch string(method) {
	case "GET":
		return append(dst, 0x82)
	case "POST":
		return append(dst, 0x83)
	}
	return AppendField(dst, []byte(":method"), method)
}

// AppendScheme appends the pseudo-field of http or https.
func AppendScheme(dst []byte, secure bool) []byte {
	if secure {
		return append(dst, 0x87)
	}
	return append(dst, 0x86)
}

// AppendPath appends the pseudo-field of a target.
func AppendPath(dst, path, query []byte, hasQuery bool) []byte {
	size := len(path)
	if hasQuery {
		size += 1 + len(query)
	}
	dst = append(dst, 0x04) // a literal whose name is that of entry 4
	dst = appendInteger(dst, 7, 0, size)
	dst = append(dst, path...)
	if hasQuery {
		dst = append(dst, '?')
		dst = append(dst, query...)
	}
	return dst
}

// AppendField appends a field, its name in lower case. What may be a secret is marked so that intermediaries do not keep it in
// a table (RFC 7541 section 7.1.3).
func AppendField(dst, name, value []byte) []byte {
	var buffer [64]byte
	lower := buffer[:0]
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower = append(lower, c)
	}
	var kind byte = withoutIndexing
	switch string(lower) {
	case "authorization", "cookie":
		kind = neverIndexed
	}
	if index, has := staticNames[string(lower)]; has {
		dst = appendInteger(dst, 4, kind, int(index))
	} else {
		dst = append(dst, kind)
		dst = appendInteger(dst, 7, 0, len(lower))
		dst = append(dst, lower...)
	}
	dst = appendInteger(dst, 7, 0, len(value))
	return append(dst, value...)
}

// NextLine cuts the first off field lines in the form of HTTP/1.1, "Name: value\r\n" each; value is trimmed.
func NextLine(lines []byte) (name, value, rest []byte) {
	line, rest, _ := bytes.Cut(lines, []byte("\r\n"))
	name, value, _ = bytes.Cut(line, []byte(":"))
	return name, bytes.Trim(value, " \t"), rest
}

// appendInteger appends an integer with a prefix of some bits (RFC 7541 section 5.1).
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
