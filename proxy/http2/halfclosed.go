package http2

import "time"

// How long to wait for the effect of a PING on a client that has closed its side: the first and the longest time.
const (
	minProbeInterval = 20 * time.Millisecond
	maxProbeInterval = 300 * time.Millisecond
)

const probePing = "probing."

// serveHalfClosed lets complete requests be answered after the client has closed its side of the connection, and cancels
// all others. A client that has closed its whole connection can't be told apart until it resets the connection because of
// what it is sent: hence the PINGs. It is called with mu held, by the reader's goroutine.
func (c *Conn) serveHalfClosed() {
	c.halfClosed = true
	for _, s := range c.streams.open {
		if !s.remoteClosed {
			c.reset(s, true)
		}
		s.reply.waiter.changed.Broadcast()
	}
	c.mu.Unlock()
	c.reader.closeGone()
	c.mu.Lock()
	probe := waiter{changed: c.out.changed}
	for interval := minProbeInterval; c.workers.running > 0 && c.out.err == nil; interval = min(2*interval, maxProbeInterval) {
		c.out.ping(0, probePing)
		c.out.flush()
		for next := time.Now().Add(interval); c.workers.running > 0 && c.out.err == nil; {
			if probe.wait(next) != nil {
				break
			}
		}
	}
	c.out.flushAll()
}
