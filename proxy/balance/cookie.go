package balance

import (
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

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

// AppendSessionCookie appends the value of the Set-Cookie header field (RFC 6265 section 4.1) that starts a session.
func AppendSessionCookie(dst []byte, affinity *route.Affinity, token string) []byte {
	dst = append(dst, affinity.Cookie...)
	dst = append(dst, '=')
	dst = append(dst, token...)
	dst = append(dst, "; Path="...)
	if affinity.Path == "" {
		dst = append(dst, '/')
	}
	dst = append(dst, affinity.Path...)
	if seconds := int64(affinity.MaxAge.Seconds()); seconds > 0 {
		dst = append(dst, "; Max-Age="...)
		dst = strconv.AppendInt(dst, seconds, 10)
	}
	dst = append(dst, "; HttpOnly"...)
	if affinity.SameSite != "" {
		dst = append(dst, "; SameSite="...)
		dst = append(dst, affinity.SameSite...)
	}
	if affinity.Secure || affinity.SameSite == "None" { // browsers drop SameSite=None cookies that are not Secure
		dst = append(dst, "; Secure"...)
	}
	return dst
}
