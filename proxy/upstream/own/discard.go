package own

import (
	"time"

	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// mostDiscarded is how many bytes of a reply's body are read so that the connection can be used again.
const mostDiscarded = 64 << 10

// Discard reads what is left of the reply to a request with a method, if that is little and soon there, and closes it.
func Discard(reply upstream.Reply, method []byte, within time.Duration) {
	defer func() { _ = reply.Close() }() // it was read as far as it is needed
	if !reply.Header().HasBody(method) {
		return
	}
	end := time.Now().Add(within)
	for read := 0; read < mostDiscarded && time.Now().Before(end); {
		piece, err := reply.Next()
		if err != nil {
			return
		}
		read += len(piece)
	}
}
