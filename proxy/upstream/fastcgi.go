package upstream

import (
	"strconv"

	"github.com/ingress-testbed/testbed/proxy/fastcgi"
)

// appendFastCGI appends the request with its parameters, and the beginning of its body.
func appendFastCGI(dst []byte, call *Call) []byte {
	r := call.Request
	pairs := append([]byte(nil), call.Params...)
	length := "" // of no body
	switch {
	case r.Length < 0: // RoundTrip has made sure that the body is whole
		length = strconv.Itoa(len(call.prefix))
	case r.HasBody():
		length = strconv.FormatInt(r.Length, 10)
	}
	pairs = fastcgi.AppendPair(pairs, "CONTENT_LENGTH", length)
	pairs = fastcgi.AppendPair(pairs, "HTTP_HOST", string(call.Host))
	pairs = fastcgi.AppendFields(pairs, r.AppendForwarded(append([]byte(nil), call.Lines...)))
	dst = fastcgi.AppendParams(fastcgi.AppendBegin(dst), pairs)
	dst = fastcgi.AppendBody(dst, call.prefix)
	if call.whole {
		dst = fastcgi.AppendBodyEnd(dst)
	}
	return dst
}
