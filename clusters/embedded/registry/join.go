//go:build linux

package registry

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// call is a pull for which any number of requests wait.
type call struct {
	cancel   context.CancelFunc
	progress counter
	waiting  int // guarded by the Puller's mutex
	// done is closed at the end, and err can be read from then on.
	done chan struct{}
	err  error
}

// counter is the progress of a pull.
type counter struct{ done, total atomic.Int64 }

func (c *counter) get() Progress { return Progress{Done: c.done.Load(), Total: c.total.Load()} }

const reportInterval = time.Second

// join waits for the pull that a request asks for, and starts it unless it is under way. A pull ends early once no
// request waits for it.
func (p *Puller) join(ctx context.Context, r Request, report func(Progress)) error {
	key, err := callKey(r)
	if err != nil {
		return err
	}
	c := p.enter(ctx, key, r)
	defer p.leave(key, c)
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			report(c.progress.get())
		}
	}
}

// enter adds a request to a call, which it starts if there is none.
func (p *Puller) enter(ctx context.Context, key string, r Request) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.calls[key]; c != nil {
		c.waiting++
		return c
	}
	c := &call{waiting: 1, done: make(chan struct{})}
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx)) // those that join may outlive the first
	p.calls[key] = c
	p.tasks.Go(func() {
		c.err = p.pull(ctx, r, &c.progress)
		p.forget(key, c)
		close(c.done)
	})
	return c
}

// leave removes a request from a call. The next one for the same image starts anew if it was the last.
func (p *Puller) leave(key string, c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.waiting--; c.waiting > 0 {
		return
	}
	c.cancel()
	if p.calls[key] == c {
		delete(p.calls, key)
	}
}

func (p *Puller) forget(key string, c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls[key] == c {
		delete(p.calls, key)
	}
}

// callKey is equal for requests that may share a pull: for the same image, with the same credentials, as a request must
// not get what only another's credentials open.
func callKey(r Request) (string, error) {
	ref, err := image.ParseName(r.Image)
	if err != nil {
		return "", err
	}
	credentials, err := json.Marshal(r.Credentials)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(credentials)
	return image.FullName(ref) + " " + string(sum[:]), nil
}
