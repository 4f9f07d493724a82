package policy

import (
	"sync"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// States are kept by policies between requests: counts of requests by client, or correct passwords. It
// outlives tables, so that a change of an Ingress does not forgive a client its requests. The zero value is empty.
type States struct {
	mu    sync.Mutex
	byKey map[string]any
}

// StateOf returns the state of a key, which is made if there is none. The key must name the type of the state and
// everything that two policies with a common state have in common.
func StateOf[T any](s *States, key string, create func() *T) *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.byKey[key].(*T); ok {
		return kept
	}
	if s.byKey == nil {
		s.byKey = make(map[string]any)
	}
	made := create()
	s.byKey[key] = made
	return made
}

// Keep drops the states of all other keys. Chains that use them continue with their copy.
func (s *States) Keep(keys map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.byKey {
		if !keys[key] {
			delete(s.byKey, key)
		}
	}
}

// Binder is a policy that keeps a state between requests or has to be prepared. Bind is called when the route is
// compiled; the hooks are those of what it returns instead of the policy's own. Its error denies the route.
type Binder interface {
	Policy
	Bind(b *Binding) (hooks any, err error)
}

// Binding is what a route's policies are bound to.
type Binding struct {
	States *States
	keys   []string
}

// BoundState is StateOf for a policy that is being bound: the state is kept for as long as the route is.
func BoundState[T any](b *Binding, key string, create func() *T) *T {
	b.keys = append(b.keys, key)
	return StateOf(b.States, key, create)
}

// Compile makes a chain of policies that another one combines.
func (b *Binding) Compile(policies ...route.Policy) (Chain, error) {
	chain, err := Compile(policies, b.States)
	b.keys = append(b.keys, chain.StateKeys...)
	return chain, err
}

// UpstreamUser is a policy that sends requests of its own to upstreams of the table.
type UpstreamUser interface {
	Policy
	// Upstreams are their names.
	Upstreams() []string
}

// Upstreams finds the endpoints of the upstreams that the policies of the table use.
type Upstreams interface {
	// NextPool is the pool of the endpoint whose turn it is; nil if the upstream has none.
	NextPool(name string) *upstream.Pool
}

// Releaser is what a request holds until it has ended.
type Releaser interface{ Release() }

// Hold registers something to be released when the exchange has ended, whatever its outcome is.
func (r *Request) Hold(held Releaser) { r.held = append(r.held, held) }

// Release releases what the request holds.
func (r *Request) Release() {
	for i, held := range r.held {
		held.Release()
		r.held[i] = nil
	}
	r.held = r.held[:0]
}
