package limits

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Connections limits how many requests of a client may be running at once, as nginx's limit_conn does: a request of
// HTTP/2 counts as a connection, and one that is idle does not.
type Connections struct {
	// Scope is what counts for itself: "namespace/name" of an Ingress.
	Scope string
	Most  int
	// Exempt are networks of clients that are not limited.
	Exempt []netip.Prefix
	// Status of the answer to requests that are refused.
	Status int
}

// Stage implements policy.Policy.
func (Connections) Stage() policy.Stage { return policy.Limiting }

// Text implements route.Policy.
func (p Connections) Text() string {
	return fmt.Sprintf("limit running requests of %s to %d status=%d%s", p.Scope, p.Most, p.Status, exemptText(p.Exempt))
}

// Equal implements route.Policy.
func (p Connections) Equal(other route.Policy) bool {
	o, ok := other.(Connections)
	return ok && p.Scope == o.Scope && p.Most == o.Most && p.Status == o.Status && slices.Equal(p.Exempt, o.Exempt)
}

// Bind implements policy.Binder.
func (p Connections) Bind(b *policy.Binding) (any, error) {
	if p.Most <= 0 {
		return nil, fmt.Errorf("a limit of %d running requests", p.Most)
	}
	return &connections{p, policy.BoundState(b, "running "+p.Scope, newRunning)}, nil
}

// connections is a compiled Connections.
type connections struct {
	Connections
	running *running
}

// Request is the hook.
func (p *connections) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	if isExempt(p.Exempt, r.Client) {
		return policy.Reply{}, false
	}
	held := p.running.add(r.Client, p.Most)
	if held == nil {
		return policy.Reply{Status: p.Status, Reason: "the client has too many requests running"}, true
	}
	r.Hold(held)
	return policy.Reply{}, false
}

// mostSpare is how many counters are kept for clients that come next.
const mostSpare = 64

// running counts the requests of clients that have any.
type running struct {
	mu    sync.Mutex
	of    map[netip.Addr]*counter
	spare []*counter
}

// counter is what the requests of one client hold.
type counter struct {
	running *running
	client  netip.Addr
	count   int
}

func newRunning() *running { return &running{of: make(map[netip.Addr]*counter)} }

// add counts a request; nil if there are as many already.
func (s *running) add(client netip.Addr, most int) *counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of[client]
	switch {
	case found == nil:
		found = s.create(client)
	case found.count >= most:
		return nil
	}
	found.count++
	return found
}

func (s *running) create(client netip.Addr) *counter {
	var made *counter
	if last := len(s.spare) - 1; last >= 0 {
		made, s.spare = s.spare[last], s.spare[:last]
	} else {
		made = &counter{running: s}
	}
	made.client = client
	s.of[client] = made
	return made
}

// Release implements policy.Releaser.
func (c *counter) Release() {
	s := c.running
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.count--; c.count > 0 {
		return
	}
	delete(s.of, c.client)
	if len(s.spare) < mostSpare {
		s.spare = append(s.spare, c)
	}
}
