// Package upstream keeps connections to endpoints: a stack of idle ones for each address, the last used on top, so
// that few connections do most of the work and the others grow old and are closed.
package upstream

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/proxy/deadline"
	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// Conn is an HTTP/1.1 connection to an endpoint, with what its user needs for one request after the other.
type Conn struct {
	net.Conn
	In    http1.Buffer
	Out   []byte // for the request's header
	Reply message.Response
	Body  http1.Body // of the reply
	// Reused says that the connection has served a request before; the endpoint may have closed it since.
	Reused bool

	pool      *Pool
	idleSince time.Time
	read      deadline.Lazy
	write     deadline.Lazy
	asking    asking

	raw    syscall.RawConn // nil if the connection has none
	look   func(fd uintptr)
	polled [1]unix.PollFd
	ready  int // 1 if there is something to read, be it the end
}

// trusted is how long an idle connection is taken for alive without asking the kernel.
const trusted = 500 * time.Millisecond

func newConn(connection net.Conn, pool *Pool) *Conn {
	c := &Conn{Conn: connection, pool: pool, Out: make([]byte, 0, 2<<10)}
	c.In.Reset(c)
	c.asking.prepare(connection)
	if encrypted, is := connection.(interface{ NetConn() net.Conn }); is {
		connection = encrypted.NetConn()
	}
	if system, is := connection.(syscall.Conn); is {
		if raw, err := system.SyscallConn(); err == nil {
			c.raw = raw
			c.look = func(fd uintptr) {
				c.polled[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}
				c.ready, _ = unix.Poll(c.polled[:], 0)
			}
		}
	}
	return c
}

// Release gives the connection back to its pool, for the next request. Both messages must have been read and written
// to their end; a connection with bytes that nobody asked for is closed.
func (c *Conn) Release(now time.Time) {
	if c.In.Buffered() > 0 {
		c.Close()
		return
	}
	c.In.Release()
	c.Reused = true
	c.idleSince = now
	c.pool.put(c)
}

// stale says whether the endpoint has closed the connection, or sent something on it that is no reply to anything.
func (c *Conn) stale() bool {
	if c.raw == nil {
		return false
	}
	return c.raw.Control(c.look) != nil || c.ready != 0
}

// ExtendWrite makes writes that start now end after limit.
func (c *Conn) ExtendWrite(now time.Time, limit time.Duration) error {
	return c.write.Extend(c.SetWriteDeadline, now, limit)
}
