package fastcgi

import (
	"bytes"
	"strings"
)

// AppendFields appends a parameter for each field line of a request: HTTP_ and the name, in upper case and with underscores
// (RFC 3875 section 4.1.18). lines end in CR LF. A field named Proxy is left out, because programs take HTTP_PROXY for a
// setting (CVE-2016-5385), as are Content-Type, which has a parameter of another name, and Content-Length.
func AppendFields(dst, lines []byte) []byte {
	for line := range bytes.Lines(lines) {
		name, value, found := strings.Cut(strings.TrimRight(string(line), "\r\n"), ":")
		if !found {
			continue
		}
		value = strings.TrimSpace(value)
		switch name = strings.ReplaceAll(strings.ToUpper(name), "-", "_"); name {
		case "PROXY", "CONTENT_LENGTH":
		case "CONTENT_TYPE":
			dst = AppendPair(dst, name, value)
		default:
			dst = AppendPair(dst, "HTTP_"+name, value)
		}
	}
	return dst
}
