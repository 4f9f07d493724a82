package policy

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// Redirect answers with a redirect: it adds the Location field and returns the reply. matched is the prefix of the
// decoded path that the route matched; "" stands for the whole path. A request without a host is answered with 400 if the location
// needs one: a URI of these schemes must not have an empty host (RFC 9110 section 4.2).
func (r *Request) Redirect(redirect *route.Redirect, matched string) Reply {
	if redirect.URL != "" {
		r.AddReplyHeader("Location", redirect.URL)
		return Reply{Status: redirect.Status}
	}
	if len(r.Host) == 0 && redirect.Host == "" {
		return Reply{Status: 400, Reason: "a request without a host cannot be redirected"}
	}
	dst := append(r.ReplyLines, "Location: "...)
	dst = r.appendOrigin(dst, redirect)
	start := len(dst)
	dst = r.appendPath(dst, &redirect.Path, matched)
	Clean(dst[start:])
	if r.Message.HasQuery && !redirect.DropQuery {
		dst = append(dst, '?')
		dst = appendQuery(dst, r.Message.Query)
	}
	if redirect.CutSlash {
		dst = bytes.TrimSuffix(dst, []byte{'/'})
	}
	r.ReplyLines = append(dst, '\r', '\n')
	return Reply{Status: redirect.Status}
}

// appendOrigin appends scheme, host and port. The scheme's own port is left out.
func (r *Request) appendOrigin(dst []byte, redirect *route.Redirect) []byte {
	scheme, port := redirect.Scheme, redirect.Port
	if scheme == "" {
		scheme = r.Scheme
	}
	if port == 0 && redirect.Scheme == "" {
		port = portOf(r.Message.Host)
	}
	if port == 0 {
		port = r.HTTPPort
		if scheme == "https" {
			port = r.HTTPSPort
		}
	}
	dst = append(dst, scheme...)
	dst = append(dst, "://"...)
	if redirect.Host != "" {
		dst = append(dst, redirect.Host...)
	} else {
		dst = append(dst, r.hostName()...)
	}
	if port == 0 || !redirect.ShowPort && (scheme == "http" && port == 80 || scheme == "https" && port == 443) {
		return dst
	}
	dst = append(dst, ':')
	return strconv.AppendUint(dst, uint64(port), 10)
}

// hostName is the host as the client has written it, without port and final dot.
func (r *Request) hostName() []byte {
	name := r.Authority
	if port := bytes.LastIndexByte(name, ':'); port > bytes.LastIndexByte(name, ']') {
		name = name[:port]
	}
	if name = bytes.TrimSuffix(name, []byte{'.'}); len(name) == 0 {
		return r.Host
	}
	return name
}

// portOf is the port of an authority; 0 if it has none.
func portOf(authority []byte) uint16 {
	colon := len(authority) - 1
	for colon >= 0 && '0' <= authority[colon] && authority[colon] <= '9' {
		colon--
	}
	if colon < 0 || authority[colon] != ':' {
		return 0
	}
	port, err := strconv.ParseUint(string(authority[colon+1:]), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(port)
}

func (r *Request) appendPath(dst []byte, change *route.PathChange, matched string) []byte {
	switch {
	case change.Kind == route.ReplacePath, change.Kind == route.ReplacePrefix && matched == "":
		return append(dst, change.Value...)
	case change.Kind == route.ReplacePrefix:
		// Compared by element: what follows the prefix is empty or begins with a slash.
		rest := r.Decoded[min(len(strings.TrimSuffix(matched, "/")), len(r.Decoded)):]
		value := change.Value
		if len(rest) > 0 {
			value = strings.TrimSuffix(value, "/")
		}
		dst = append(dst, value...)
		return urlpath.AppendEncoded(dst, rest)
	}
	return append(dst, r.Path...)
}

// appendQuery appends a query with the characters encoded that a URI must not have (RFC 3986 section 3.4): it is sent
// in a header field, and some clients resolve what they get there in ways of their own.
func appendQuery(dst, query []byte) []byte {
	const digits = "0123456789ABCDEF"
	for i, c := range query {
		if queryCharacters[c] || c == '%' && isEncoded(query[i:]) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', digits[c>>4], digits[c&15])
	}
	return dst
}

func isEncoded(text []byte) bool {
	return len(text) > 2 && isHex(text[1]) && isHex(text[2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// queryCharacters are those of a query but the percent sign.
//
//nolint:gochecknoglobals // a table that is never changed
var queryCharacters = func() (table [256]bool) {
	for c := range table {
		table[c] = '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
	}
	for _, c := range []byte("-._~!$&'()*+,;=:@/?") {
		table[c] = true
	}
	return table
}()
