package proxy

import (
	"context"
	"sync"
	"time"
)

// connections are those of all clients: counted, so that there are not too many, and known, so that they can be told
// to end.
type connections struct {
	slots chan struct{} // one element for each connection that there may be
	wait  sync.WaitGroup

	mu    sync.Mutex
	known map[drainer]struct{}
}

// drainer is a connection as the server sees it.
type drainer interface {
	// Drain makes the connection end: at once if it is idle, else after what is under way.
	Drain()
	// Close ends it whatever it does.
	Close() error
}

func newConnections(limit int) *connections {
	return &connections{slots: make(chan struct{}, limit), known: make(map[drainer]struct{})}
}

// reserve waits until there may be another connection. It reports false if ctx is done before.
func (c *connections) reserve(ctx context.Context) bool {
	select {
	case c.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// handle runs serve in a goroutine, and then gives up the reserved place.
func (c *connections) handle(serve func()) {
	c.wait.Go(func() {
		defer func() { <-c.slots }()
		serve()
	})
}

// track makes a connection known; the result makes it forgotten.
func (c *connections) track(d drainer) (forget func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[d] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.known, d)
	}
}

// drain tells all connections to end, waits for at most limit, and closes those that are left.
func (c *connections) drain(limit time.Duration) {
	c.each(drainer.Drain)
	ended := make(chan struct{})
	go func() {
		c.wait.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		c.each(func(d drainer) { _ = d.Close() })
		<-ended
	}
}

func (c *connections) each(do func(drainer)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for d := range c.known {
		do(d)
	}
}
