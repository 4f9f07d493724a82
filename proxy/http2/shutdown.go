package http2

import (
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// lastGoAwayAfter is how long a client that does not acknowledge the PING may open streams after the first GOAWAY.
const lastGoAwayAfter = time.Second

// drainPing is the payload of the PING that follows the first GOAWAY.
const drainPing = "draining"

// shutdown is how far a connection's graceful end has come. Its fields are guarded by the connection's mutex.
type shutdown struct {
	atRequest bool // the next request begins it
	begun     bool // the first GOAWAY was sent: clients should open no more streams
	final     bool // the last GOAWAY was sent: higher streams are not served
	timer     *time.Timer
}

func (s *shutdown) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Drain makes the connection end when all requests have ended. Those that the client sends before it can know of it are
// still served. It does not wait for the client.
func (c *Conn) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
}

// Leave drains the connection: at once if it has had a request, else with the first one. A client whose new connections
// still come to this server would otherwise get none of its requests served.
func (c *Conn) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams.lastID == 0 {
		c.shutdown.atRequest = true
		return
	}
	c.drain()
}

// drain begins the graceful end. It is called with mu held.
func (c *Conn) drain() {
	if c.shutdown.begun || c.shutdown.final || c.out.err != nil {
		return
	}
	c.shutdown.begun = true
	c.out.goAway(maxWindow, xhttp2.ErrCodeNo)
	c.out.ping(0, drainPing)
	c.shutdown.timer = time.AfterFunc(lastGoAwayAfter, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refuseStreams()
	})
	c.flushLater()
}

// flushLater writes what is pending without waiting for a client that does not read. It is called with mu held.
func (c *Conn) flushLater() {
	if c.out.err != nil { // Serve may have waited for the group already
		return
	}
	c.workers.group.Go(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.out.flush()
	})
}

// CloseIdle ends the connection like Drain if it serves no request, and reports whether it does.
func (c *Conn) CloseIdle() bool {
	c.mu.Lock()
	isIdle := c.workers.running == 0 && !c.shutdown.begun
	c.mu.Unlock()
	if isIdle {
		c.Drain()
	}
	return isIdle
}

// refuseStreams sends the last GOAWAY. It is called with mu held.
func (c *Conn) refuseStreams() {
	if c.shutdown.final || c.out.err != nil {
		return
	}
	c.shutdown.final = true
	c.shutdown.stop()
	c.out.goAway(c.streams.lastID, xhttp2.ErrCodeNo)
	c.out.flush()
	if c.workers.running == 0 {
		c.stopReading()
	}
}

// stopReading makes the reader end. It is called with mu held.
func (c *Conn) stopReading() {
	c.readUntil.Forget()
	c.conn.SetReadDeadline(time.Unix(1, 0))
}

// How long to wait for the effect of a PING on a client that has closed its side: the first and the longest time.
const (
	minProbeInterval = 20 * time.Millisecond
	maxProbeInterval = 300 * time.Millisecond
)

const probePing = "probing."

// serveHalfClosed lets complete requests be answered after the client has closed its side of the connection, and cancels
// all others. A client that has closed its whole connection can't be distinguished until it resets the connection because of
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
