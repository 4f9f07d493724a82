package downstream

import (
	"context"
	"sync"
	"time"
)

// connections are those of all clients: limited in number, and known, so that they can be drained.
type connections struct {
	slots   chan struct{} // one element for each connection that there may be
	running sync.WaitGroup

	mu    sync.Mutex
	known map[connection]struct{}
}

// connection is a client's connection as the server sees it.
type connection interface {
	// Drain ends the connection: at once if it is idle, else after the running requests.
	Drain()
	// CloseIdle ends the connection if it is idle, and reports whether it was.
	CloseIdle() bool
	// Close ends it at once.
	Close() error
}

func newConnections(limit int) *connections {
	return &connections{slots: make(chan struct{}, limit), known: make(map[connection]struct{})}
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

// handle runs serve in a goroutine, and then frees the reserved slot.
func (c *connections) handle(serve func()) {
	c.running.Go(func() {
		defer func() { <-c.slots }()
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

// drain ends all connections: idle ones at once, the others when their requests have ended or when limit has passed.
func (c *connections) drain(limit time.Duration, giveUp context.CancelFunc) {
	c.each(connection.Drain)
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
		c.each(func(conn connection) { _ = conn.Close() })
		<-ended
	}
}

func (c *connections) each(do func(connection)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.known {
		do(conn)
	}
}
