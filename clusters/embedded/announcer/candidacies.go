package announcer

import (
	"context"
	"net/netip"
	"sync"
)

// candidacies are those of a node, one for each address.
type candidacies struct {
	like    candidacy
	running map[netip.Addr]runningCandidacy
	// last is closed when the last candidacy for an address has ended: the next one has to wait for it.
	last  map[netip.Addr]<-chan struct{}
	tasks sync.WaitGroup
}

type runningCandidacy struct {
	assigned assignment
	end      context.CancelFunc
}

func newCandidacies(like candidacy) *candidacies {
	return &candidacies{like: like, running: map[netip.Addr]runningCandidacy{}, last: map[netip.Addr]<-chan struct{}{}}
}

// set ends the candidacies for addresses that are not assigned, or not as before, and starts those that are missing. They
// end with ctx.
func (c *candidacies) set(ctx context.Context, assigned map[netip.Addr]assignment) {
	for address, r := range c.running {
		if now, ok := assigned[address]; !ok || now != r.assigned {
			r.end()
			delete(c.running, address)
		}
	}
	for address, a := range assigned {
		if _, ok := c.running[address]; !ok {
			c.start(ctx, address, a)
		}
	}
}

func (c *candidacies) start(ctx context.Context, address netip.Addr, a assignment) {
	ctx, end := context.WithCancel(ctx)
	c.running[address] = runningCandidacy{assigned: a, end: end}
	previous, done := c.last[address], make(chan struct{})
	c.last[address] = done
	started := c.like
	started.address, started.assigned = address, a
	c.tasks.Go(func() {
		defer close(done)
		defer end()
		if previous != nil {
			<-previous
		}
		started.run(ctx)
	})
}

// wait waits until all candidacies have ended, which they do with their context.
func (c *candidacies) wait() { c.tasks.Wait() }
