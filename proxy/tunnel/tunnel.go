// Package tunnel carries bytes both ways between two connections, until both directions have ended, one side breaks off, or
// nothing has passed for a while. Each side learns how the other one has ended: a direction that ends is ended, and a connection
// that breaks off is broken off.
package tunnel

import (
	"crypto/tls"
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
	// inEnded and outEnded are set when the direction to the endpoint, or to the client, has ended in order.
	inEnded, outEnded atomic.Bool
}

// Run returns when both directions have ended, or nothing has passed for the idle time; both connections are left to be
// closed. It is given what was read of either side already, and returns how many bytes came from each.
func (t *Tunnel) Run(fromClient, fromEndpoint []byte) (bytesIn, bytesOut int64) {
	t.touch()
	var group sync.WaitGroup
	in := direction{to: t.Endpoint, from: t.Client, ended: &t.inEnded, backEnded: &t.outEnded}
	out := direction{to: t.Client, from: t.Endpoint, ended: &t.outEnded, backEnded: &t.inEnded}
	group.Go(func() { bytesIn = t.carry(in, fromClient) })
	bytesOut = t.carry(out, fromEndpoint)
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

// Abort ends a connection so that the peer detects that it was broken off: by a reset (RFC 9293 section 3.5.2), and over TLS
// without close_notify (RFC 8446 section 6.1). A peer that sees the usual end would take what it has received for the whole.
func Abort(conn net.Conn) {
	if encrypted, is := conn.(*tls.Conn); is {
		conn = encrypted.NetConn()
	}
	if tcp, is := conn.(interface{ SetLinger(seconds int) error }); is {
		_ = tcp.SetLinger(0) // a connection that is gone has no end to tell
	}
	conn.Close()
}

func (t *Tunnel) touch() { t.last.Store(time.Now().UnixNano()) }

// quiet is how long nothing has passed.
func (t *Tunnel) quiet() time.Duration { return time.Duration(time.Now().UnixNano() - t.last.Load()) }

// direction is one of the two directions of a tunnel.
type direction struct {
	to, from net.Conn
	// ended is set when it has ended in order, and backEnded when the other one has.
	ended, backEnded *atomic.Bool
}

// inOrder reports whether an end that was read is one. After a reset it need not be: the kernel reports a reset once, and the other
// direction may have taken the report, when it was writing.
func (d *direction) inOrder() bool { return d.backEnded.Load() || !isClosed(d.from) }

// carry writes what was read, then what comes, and passes the end on.
func (t *Tunnel) carry(d direction, read []byte) (carried int64) {
	to, from := d.to, d.from
	held := buffer{small: make([]byte, waitingBuffer)}
	defer held.release()
	for {
		if len(read) > 0 {
			to.SetWriteDeadline(time.Now().Add(t.Idle))
			n, err := to.Write(read)
			carried += int64(n)
			if err != nil { // there is nobody to carry for
				end(from, err)
				to.Close()
				return carried
			}
			t.touch()
		}
		var err error
		read, err = t.read(from, &held, len(read))
		switch {
		case len(read) > 0:
		case errors.Is(err, io.EOF) && d.inOrder():
			d.ended.Store(true)
			CloseWrite(to)
			return carried
		default: // there is no half to keep
			end(to, err)
			from.Close()
			return carried
		}
	}
}

// end ends a connection because of an error of the other one: by breaking it off if that was broken off by its peer, and as usual
// if it was idle, or closed on this side.
func end(conn net.Conn, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		conn.Close()
		return
	}
	Abort(conn)
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
