package proxy

import (
	"context"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how often it is looked whether clients of HTTP/1.1 still wait. An endpoint that has answered within that
// time costs nothing of it.
const patience = 300 * time.Millisecond

// watched is a connection whose client may go away without being noticed by who serves it.
type watched interface{ watch() }

// patrol looks at all connections again and again until ctx is done.
func (c *connections) patrol(ctx context.Context) {
	ticker := time.NewTicker(patience)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.each(func(d drainer) {
				if w, can := d.(watched); can {
					w.watch()
				}
			})
		}
	}
}

// absence is what a connection knows of its client while an endpoint works for it. A client that is gone altogether
// has reset its side of the connection. One that has ended it may be gone too, or still await the reply (RFC 9112
// section 9.6): only data can tell, which resets the connection if nobody is there to read it. An interim reply that
// says nothing is such data, and every client of HTTP/1.1 has to pass over it (RFC 9110 section 15.2).
type absence struct {
	endpoint io.Closer // that works for the client; nil if none does
	turn     uint64    // counts the times that an endpoint began
	seen     uint64    // the turn when it was looked last
	awaiting bool      // nothing of the reply was sent, so that an interim one may be
	probed   bool
	gone     bool
}

// onGone makes Close close what is given too, and so does the patrol when it finds that the client has gone away.
func (c *clientConn) onGone(endpoint io.Closer) {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.absence.endpoint = endpoint
	c.absence.turn++
	c.absence.awaiting, c.absence.probed = endpoint != nil && c.request.Minor >= 1, false
	if (c.closed || c.absence.gone) && endpoint != nil {
		endpoint.Close()
	}
}

func (c *clientConn) gone() bool {
	c.telling.Lock()
	defer c.telling.Unlock()
	return c.absence.gone
}

// replying keeps the patrol from writing into the reply.
func (c *clientConn) replying() {
	c.telling.Lock()
	c.absence.awaiting = false
	c.telling.Unlock()
}

// watch looks whether a client is still there whose endpoint takes its time.
func (c *clientConn) watch() {
	if c.idle.Load() {
		return
	}
	c.telling.Lock()
	defer c.telling.Unlock()
	a := &c.absence
	if a.endpoint == nil || a.gone || c.closed {
		return
	}
	if a.seen != a.turn { // it has only just begun
		a.seen = a.turn
		return
	}
	state := pollOf(c.conn)
	switch {
	case state&(unix.POLLHUP|unix.POLLERR) != 0:
		a.gone = true
	case state&unix.POLLRDHUP != 0 && state&unix.POLLOUT != 0 && a.awaiting && !a.probed:
		a.probed = true
		a.gone = c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) != nil
	}
	if a.gone {
		a.endpoint.Close()
	}
}

// pollOf is what poll(2) says of a connection, without waiting; 0 if it can't be asked.
func pollOf(conn net.Conn) int16 {
	if encrypted, is := conn.(interface{ NetConn() net.Conn }); is {
		conn = encrypted.NetConn()
	}
	system, is := conn.(syscall.Conn)
	if !is {
		return 0
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return 0
	}
	polled := []unix.PollFd{{Events: unix.POLLOUT | unix.POLLRDHUP}}
	err = raw.Control(func(fd uintptr) {
		polled[0].Fd = int32(fd)
		_, _ = unix.Poll(polled, 0) // interrupted, it is asked again soon
	})
	if err != nil {
		return 0
	}
	return polled[0].Revents
}
