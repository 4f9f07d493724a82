package downstream

import (
	"context"
	"net"
	"sync"
	"time"
)

// connections are those of all clients: limited in number, and known, so that they can be drained.
type connections struct {
	slots   chan struct{} // one element for each connection that there may be
	running sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]struct{}   // accepted, whatever they are at
	known map[connection]struct{} // that carry requests
}

// connection is a client's connection as the server sees it. The methods do not wait for the client.
type connection interface {
	// Leave ends the connection with its next reply, or the running ones, so that the client moves to another server.
	Leave()
	// Drain ends the connection: at once if it is idle, else after the running requests.
	Drain()
	// CloseIdle ends the connection if it is idle, and reports whether it was.
	CloseIdle() bool
}

func newConnections(limit int) *connections {
	return &connections{
		slots: make(chan struct{}, limit),
		open:  make(map[net.Conn]struct{}), known: make(map[connection]struct{}),
	}
}

// reserve waits until there may be another connection; an idle one is closed for it. It reports false if ctx is done
// before.
func (c *connections) reserve(ctx context.Context) bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
	}
	// An idle connection is in use again after it was chosen, or none is idle yet: look again from time to time.
	again := time.NewTicker(reclaimInterval)
	defer again.Stop()
	for {
		c.closeOneIdle()
		select {
		case c.slots <- struct{}{}:
			return true
		case <-again.C:
		case <-ctx.Done():
			return false
		}
	}
}

// reclaimInterval is how often idle connections are looked for while there are too many.
const reclaimInterval = 50 * time.Millisecond

func (c *connections) closeOneIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for known := range c.known {
		if known.CloseIdle() {
			return
		}
	}
}

// handle runs serve for an accepted connection in a goroutine, and then closes it and frees the reserved slot.
func (c *connections) handle(conn net.Conn, serve func()) {
	c.mu.Lock()
	c.open[conn] = struct{}{}
	c.mu.Unlock()
	c.running.Go(func() {
		defer func() {
			conn.Close()
			c.mu.Lock()
			delete(c.open, conn)
			c.mu.Unlock()
			<-c.slots
		}()
		serve()
	})
}

// track adds a connection; the result removes it.
func (c *connections) track(conn connection) (untrack func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[conn] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.known, conn)
	}
}

// drain ends all connections: idle ones at once, the others when their requests have ended or when limit has passed. Then
// they are closed below TLS: those that are in a handshake too, and without an alert, which a client that reads nothing
// could hold up.
func (c *connections) drain(limit time.Duration, giveUp context.CancelFunc) {
	c.drainEach()
	ended := make(chan struct{})
	go func() {
		c.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		giveUp()
		c.closeAll()
		<-ended
	}
}

func (c *connections) drainEach() { c.each(connection.Drain) }

func (c *connections) leaveEach() { c.each(connection.Leave) }

func (c *connections) each(do func(connection)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.known {
		do(conn)
	}
}

func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}
