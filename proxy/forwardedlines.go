package proxy

import (
	"math/rand/v2"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// identify finds out who the request comes from.
func (x *exchange) identify() {
	x.info = x.snapshot.forwarded.Resolve(x.client, x.request)
	x.requestID = x.request.Value(message.XRequestID)
	if len(x.requestID) == 0 {
		x.requestID = x.newID()
	}
}

// newID makes the 32 hexadecimal digits of a request. It names the request and guards nothing.
func (x *exchange) newID() []byte {
	const digits = "0123456789abcdef"
	for i := 0; i < len(x.id); i += 16 {
		random := rand.Uint64() //nolint:gosec // the id guards nothing
		for j := range 16 {
			x.id[i+j] = digits[random&15]
			random >>= 4
		}
	}
	return x.id[:]
}

// appendHead appends the header of the request to the endpoint: the fields that the proxy sets, then those of the client
// as they came.
func (x *exchange) appendHead(dst []byte) []byte {
	r := x.request
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, x.path...)
	if r.HasQuery {
		dst = append(dst, '?')
		dst = append(dst, r.Query...)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, x.info.Host...)
	dst = append(dst, '\r', '\n')
	dst = x.info.AppendLines(dst, r, x.requestID)
	dst = r.AppendForwarded(dst)
	if r.Length < 0 {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if len(r.Upgrade) > 0 {
		dst = append(dst, "Connection: upgrade\r\nUpgrade: "...)
		dst = append(dst, r.Upgrade...)
		dst = append(dst, '\r', '\n')
	}
	return append(dst, '\r', '\n')
}
