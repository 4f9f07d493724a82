package balance

import (
	"strings"
	"unsafe"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Cookie returns the first cookie of that name (case-sensitive, RFC 6265 section 4.1.1) of a request. The value is valid
// as long as the request is.
func Cookie(r *message.Request, name string) (value string, found bool) {
	for i := range r.Fields {
		if field := &r.Fields[i]; field.Kind == message.Cookie {
			if value, found = FindCookie(view(field.Value), name); found {
				return value, true
			}
		}
	}
	return "", false
}

// FindCookie returns the first cookie of that name in the value of a Cookie header field (RFC 6265 section 4.2.1).
func FindCookie(header, name string) (value string, found bool) {
	for more := true; more; {
		var pair string
		pair, header, more = strings.Cut(header, ";")
		pairName, pairValue, isPair := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !isPair || pairName != name {
			continue
		}
		if n := len(pairValue); n >= 2 && pairValue[0] == '"' && pairValue[n-1] == '"' {
			pairValue = pairValue[1 : n-1]
		}
		return pairValue, true
	}
	return "", false
}

// view is text without copying: valid for as long as the bytes are not changed.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text))
}
