package runtime

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// compileUpstreams returns the upstreams by slot. One that a backend names and the table doesn't have is there without
// endpoints. A set of endpoints that stays the same keeps its turns, also when the order changes.
func (c *Compiler) compileUpstreams(sources []route.Upstream) []*Upstream {
	present := make(map[string]route.Upstream, len(sources))
	for _, source := range sources {
		if _, twice := present[source.Name]; !twice {
			present[source.Name] = source
		}
	}
	c.slots.keep(func(name string) bool {
		_, inTable := present[name]
		return inTable || c.referenced[name]
	})
	for name := range present {
		c.slots.of(name)
	}
	compiled := make([]*Upstream, c.slots.len())
	for name, slot := range c.slots.byName {
		source := present[name]
		source.Name = name
		compiled[slot] = c.compileUpstream(slot, source)
	}
	return compiled
}

func (c *Compiler) compileUpstream(slot int, source route.Upstream) *Upstream {
	if c.last != nil && slot < len(c.last.upstreams) {
		last := c.last.upstreams[slot]
		if last != nil && equalButOrder(&last.source, &source) {
			return last
		}
	}
	compiled := &Upstream{Name: source.Name, Protocol: source.Protocol, source: source}
	profile, err := tlsprofile.New(source.Protocol, source.TLS)
	if err != nil {
		compiled.Problem = fmt.Errorf("upstream %q: it is served without endpoints: %w", source.Name, err)
		compiled.Turns = balance.NewRoundRobin(source.Name, nil)
		return compiled
	}
	compiled.TLS = profile
	compiled.Turns = balance.NewRoundRobin(source.Name, source.Endpoints)
	compiled.Pools = c.pools.of(source.Protocol, source.Endpoints, profile)
	return compiled
}

// equalButOrder reports whether two upstreams are the same but for the order of their endpoints.
func equalButOrder(a, b *route.Upstream) bool {
	if a.Equal(*b) {
		return true
	}
	reordered := *b
	reordered.Endpoints = a.Endpoints
	return a.Equal(reordered) && slices.Equal(sorted(a.Endpoints), sorted(b.Endpoints))
}

func sorted(endpoints []route.Endpoint) []route.Endpoint {
	return slices.SortedFunc(slices.Values(endpoints), func(a, b route.Endpoint) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Pod, b.Pod))
	})
}
