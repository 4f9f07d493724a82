package exchange

import (
	"math/rand/v2"
	"unsafe"
)

// requestID is the value of X-Request-ID: the client's own, or 32 random hexadecimal digits as from ingress-nginx.
type requestID struct {
	value  []byte
	digits [32]byte
}

// use sets the client's own value. If that is empty, it generates one if makes is set, and else has none.
func (id *requestID) use(own []byte, makes bool) {
	if id.value = own; len(own) > 0 || !makes {
		return
	}
	const hexadecimal = "0123456789abcdef"
	for i := 0; i < len(id.digits); i += 16 {
		random := rand.Uint64() //nolint:gosec // the value names a request and protects nothing
		for j := range 16 {
			id.digits[i+j] = hexadecimal[random&15]
			random >>= 4
		}
	}
	id.value = id.digits[:]
}

// view is text without a copy, valid for as long as the bytes are not changed.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text))
}
