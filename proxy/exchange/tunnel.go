package exchange

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/http1"
)

// waitingBuffer is the size in bytes of the buffer that a direction of a tunnel waits with: most upgraded connections
// are idle most of the time. Whoever fills it gets a large one for as long as large reads follow.
const waitingBuffer = 2 << 10

// tunnel carries bytes both ways between a client and an endpoint that have changed protocols (RFC 9110 section 7.8).
type tunnel struct {
	client, endpoint net.Conn
	// idle is how long nothing may pass in either direction.
	idle time.Duration
	last atomic.Int64 // when something passed last, in nanoseconds since 1970
}

// run returns when both directions have ended, or nothing has passed for the idle time. It is given what was read of
// the new protocol already, and returns how many bytes came from each side.
func (t *tunnel) run(fromClient, fromEndpoint []byte) (bytesIn, bytesOut int64) {
	t.touch()
	var group sync.WaitGroup
	group.Go(func() { bytesIn = t.carry(t.endpoint, t.client, fromClient) })
	bytesOut = t.carry(t.client, t.endpoint, fromEndpoint)
	group.Wait()
	return bytesIn, bytesOut
}

func (t *tunnel) touch() { t.last.Store(time.Now().UnixNano()) }

// quiet is how long nothing has passed.
func (t *tunnel) quiet() time.Duration { return time.Duration(time.Now().UnixNano() - t.last.Load()) }

// carry writes what was read, then what comes, and passes the end on.
func (t *tunnel) carry(to, from net.Conn, read []byte) (carried int64) {
	buffer := tunnelBuffer{small: make([]byte, waitingBuffer)}
	defer buffer.release()
	for {
		if len(read) > 0 {
			to.SetWriteDeadline(time.Now().Add(t.idle))
			n, err := to.Write(read)
			carried += int64(n)
			if err != nil {
				from.Close() // which ends the other direction too
				return carried
			}
			t.touch()
		}
		var err error
		read, err = t.read(from, &buffer, len(read))
		switch {
		case len(read) > 0:
		case errors.Is(err, io.EOF):
			downstream.CloseWrite(to)
			return carried
		default: // there is no half to keep
			to.Close()
			from.Close()
			return carried
		}
	}
}

// read waits for more, for as long as either direction is in use. last is how much the read before has brought.
func (t *tunnel) read(from net.Conn, buffer *tunnelBuffer, last int) ([]byte, error) {
	for {
		from.SetReadDeadline(time.Now().Add(max(t.idle-t.quiet(), 0) + time.Millisecond))
		into := buffer.next(last)
		n, err := from.Read(into)
		if n > 0 {
			return into[:n], nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && t.quiet() < t.idle {
			continue
		}
		return nil, err
	}
}

// tunnelBuffer is small while little comes.
type tunnelBuffer struct {
	small []byte
	large *[http1.LargeBuffer]byte
}

// next is the buffer for the next read.
func (b *tunnelBuffer) next(last int) []byte {
	if last < len(b.small) {
		b.release()
		return b.small
	}
	if b.large == nil {
		b.large = http1.GetLarge()
	}
	return b.large[:]
}

func (b *tunnelBuffer) release() {
	if b.large != nil {
		http1.PutLarge(b.large)
		b.large = nil
	}
}
