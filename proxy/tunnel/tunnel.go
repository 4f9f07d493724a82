// Package tunnel carries bytes both ways between two connections, until both directions have ended or nothing has passed for
// a while.
package tunnel

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
)

// waitingBuffer is the size in bytes of the buffer that a direction of a tunnel waits with: most upgraded connections
// are idle most of the time. Whoever fills it gets a large one for as long as large reads follow.
const waitingBuffer = 2 << 10

// Tunnel carries bytes both ways between a client and an endpoint.
type Tunnel struct {
	Client, Endpoint net.Conn
	// Idle is how long nothing may pass in either direction.
	Idle time.Duration

	last atomic.Int64 // when something passed last, in nanoseconds since 1970
}

// Run returns when both directions have ended, or nothing has passed for the idle time; both connections are left to be
// closed. It is given what was read of either side already, and returns how many bytes came from each.
func (t *Tunnel) Run(fromClient, fromEndpoint []byte) (bytesIn, bytesOut int64) {
	t.touch()
	var group sync.WaitGroup
	group.Go(func() { bytesIn = t.carry(t.Endpoint, t.Client, fromClient) })
	bytesOut = t.carry(t.Client, t.Endpoint, fromEndpoint)
	group.Wait()
	return bytesIn, bytesOut
}

// CloseWrite ends the direction to the peer, or both if the connection has no halves.
func CloseWrite(conn net.Conn) {
	if half, can := conn.(interface{ CloseWrite() error }); can && half.CloseWrite() == nil {
		return
	}
	conn.Close()
}

func (t *Tunnel) touch() { t.last.Store(time.Now().UnixNano()) }

// quiet is how long nothing has passed.
func (t *Tunnel) quiet() time.Duration { return time.Duration(time.Now().UnixNano() - t.last.Load()) }

// carry writes what was read, then what comes, and passes the end on.
func (t *Tunnel) carry(to, from net.Conn, read []byte) (carried int64) {
	held := buffer{small: make([]byte, waitingBuffer)}
	defer held.release()
	for {
		if len(read) > 0 {
			to.SetWriteDeadline(time.Now().Add(t.Idle))
			n, err := to.Write(read)
			carried += int64(n)
			if err != nil {
				from.Close() // which ends the other direction too
				return carried
			}
			t.touch()
		}
		var err error
		read, err = t.read(from, &held, len(read))
		switch {
		case len(read) > 0:
		case errors.Is(err, io.EOF):
			CloseWrite(to)
			return carried
		default: // there is no half to keep
			to.Close()
			from.Close()
			return carried
		}
	}
}

// read waits for more, for as long as either direction is in use. last is how much the read before has brought.
func (t *Tunnel) read(from net.Conn, held *buffer, last int) ([]byte, error) {
	for {
		from.SetReadDeadline(time.Now().Add(max(t.Idle-t.quiet(), 0) + time.Millisecond))
		into := held.next(last)
		n, err := from.Read(into)
		if n > 0 {
			return into[:n], nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && t.quiet() < t.Idle {
			continue
		}
		return nil, err
	}
}

// buffer is small while little comes.
type buffer struct {
	small []byte
	large *[http1.LargeBuffer]byte
}

// next is the buffer for the next read.
func (b *buffer) next(last int) []byte {
	if last < len(b.small) {
		b.release()
		return b.small
	}
	if b.large == nil {
		b.large = http1.GetLarge()
	}
	return b.large[:]
}

func (b *buffer) release() {
	if b.large != nil {
		http1.PutLarge(b.large)
		b.large = nil
	}
}
