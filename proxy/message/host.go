package message

import (
	"bytes"
	"net/netip"
	"unsafe"
)

// ValidHost reports whether host is a uri-host with an optional port, as a Host field must have it, and not empty.
func ValidHost(host []byte) bool { return len(host) > 0 && validHost(host) }

// validHost checks uri-host [":" port] (RFC 9110 section 7.2, RFC 3986 section 3.2.2), without user information, and
// without percent-encoding. An empty host is valid; no rule but that of every host matches it.
func validHost(host []byte) bool {
	if len(host) == 0 {
		return true
	}
	port := host
	if host[0] == '[' {
		end := bytes.IndexByte(host, ']')
		if end < 0 || !isIPv6(host[1:end]) {
			return false
		}
		port = host[end+1:]
	} else {
		end := 0
		for end < len(host) && hostCharacters[host[end]] {
			end++
		}
		port = host[end:]
		if end == 0 {
			return false
		}
	}
	if len(port) == 0 {
		return true
	}
	for _, c := range port[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return port[0] == ':' && len(port) <= 6
}

// isIPv6 reports whether text is an IPv6 address without a zone. IPvFuture, the other form that brackets may hold, has
// never been defined.
func isIPv6(text []byte) bool {
	for _, c := range text {
		isHex := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
		if !isHex && c != ':' && c != '.' {
			return false
		}
	}
	// The text is only looked at, so that it need not be copied.
	address, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(text), len(text)))
	return err == nil && address.Is6()
}

// hostCharacters are those of reg-name without percent-encoding: names in the DNS have none, and an endpoint that decodes
// it sees another host than the one that was routed on.
//
//nolint:gochecknoglobals // a table that is never changed
var hostCharacters = func() (table [256]bool) {
	for c := range table {
		table[c] = '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
	}
	for _, c := range []byte("-._~!$&'()*+,;=") {
		table[c] = true
	}
	return table
}()
