package limits

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Rate limits how often a client may send requests: a leaky bucket for each address, as in nginx's limit_req with
// nodelay. A request that would overflow it is refused, and leaves nothing in it.
type Rate struct {
	// Scope is what has a bucket of its own for each client: "namespace/name" of an Ingress.
	Scope string
	// Count requests leak out in Per. Burst is how many more there may be at once.
	Count int
	Per   time.Duration
	Burst int
	// Exempt are networks of clients that are not limited.
	Exempt []netip.Prefix
	// Status of the answer to requests that are refused.
	Status int
}

// Stage implements policy.Policy.
func (Rate) Stage() policy.Stage { return policy.Limiting }

// Text implements route.Policy.
func (p Rate) Text() string {
	return fmt.Sprintf("limit requests of %s to %d in %s burst=%d status=%d%s", p.Scope, p.Count, p.Per, p.Burst, p.Status,
		exemptText(p.Exempt))
}

func exemptText(networks []netip.Prefix) string {
	if len(networks) == 0 {
		return ""
	}
	return fmt.Sprintf(" but of %v", networks)
}

// Equal implements route.Policy.
func (p Rate) Equal(other route.Policy) bool {
	o, ok := other.(Rate)
	same := ok && slices.Equal(p.Exempt, o.Exempt)
	return same && p.Scope == o.Scope && p.Count == o.Count && p.Per == o.Per && p.Burst == o.Burst && p.Status == o.Status
}

// Bind implements policy.Binder.
func (p Rate) Bind(b *policy.Binding) (any, error) {
	if p.Count <= 0 || p.Per <= 0 || p.Burst < 0 {
		return nil, fmt.Errorf("a rate of %d requests in %s", p.Count, p.Per)
	}
	buckets := policy.BoundState(b, fmt.Sprintf("buckets %s %s", p.Scope, p.Per), newBuckets)
	return &rate{Rate: p, buckets: buckets, perSecond: float64(p.Count) / p.Per.Seconds()}, nil
}

// rate is a compiled Rate.
type rate struct {
	Rate
	buckets   *buckets
	perSecond float64
}

// Request is the hook.
func (p *rate) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	if isExempt(p.Exempt, r.Client) || p.buckets.add(r.Client, time.Now(), p.perSecond, float64(p.Burst)) {
		return policy.Reply{}, false
	}
	return policy.Reply{Status: p.Status, Reason: "the client sends too many requests"}, true
}

func isExempt(networks []netip.Prefix, client netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(client) {
			return true
		}
	}
	return false
}

// mostBuckets is how many clients have a bucket; of more, those that have been away for the longest start anew.
const mostBuckets = 1 << 16

// buckets are those of all clients, in the order of their last request.
type buckets struct {
	mu     sync.Mutex
	of     map[netip.Addr]*bucket
	newest *bucket // the head of a ring
}

type bucket struct {
	client       netip.Addr
	excess       float64 // requests beyond the rate
	last         time.Time
	newer, older *bucket
}

func newBuckets() *buckets { return &buckets{of: make(map[netip.Addr]*bucket)} }

// add puts a request into the client's bucket and reports whether there was room for it.
func (s *buckets) add(client netip.Addr, now time.Time, perSecond, burst float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of[client]
	if found == nil {
		s.create(client, now)
		return true
	}
	s.touch(found)
	excess := max(0, found.excess-perSecond*now.Sub(found.last).Seconds()+1)
	if excess > burst {
		return false
	}
	found.excess, found.last = excess, now
	return true
}

// create makes the bucket of a client, of the oldest one if there are too many.
func (s *buckets) create(client netip.Addr, now time.Time) {
	made := new(bucket)
	if len(s.of) >= mostBuckets {
		made = s.newest.newer // the ring's oldest
		delete(s.of, made.client)
		s.unlink(made)
	}
	made.client, made.excess, made.last = client, 0, now
	s.of[client] = made
	s.link(made)
}

func (s *buckets) touch(b *bucket) {
	if s.newest != b {
		s.unlink(b)
		s.link(b)
	}
}

// link makes a bucket the newest one.
func (s *buckets) link(b *bucket) {
	if s.newest == nil {
		b.newer, b.older = b, b
	} else {
		oldest := s.newest.newer
		b.older, b.newer = s.newest, oldest
		s.newest.newer, oldest.older = b, b
	}
	s.newest = b
}

func (s *buckets) unlink(b *bucket) {
	if b.newer == b {
		s.newest = nil
		return
	}
	b.newer.older, b.older.newer = b.older, b.newer
	if s.newest == b {
		s.newest = b.older
	}
}
