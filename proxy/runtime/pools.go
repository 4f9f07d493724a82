package runtime

import (
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// pools are the connections to the endpoints of the upstreams that are served. Upstreams may share an endpoint.
type pools struct {
	registry *upstream.Registry
	uses     map[upstream.Key]int
}

// of returns the pools of an upstream's endpoints, in their order.
func (p *pools) of(protocol route.Protocol, endpoints []route.Endpoint, profile upstream.TLSProfile) []*upstream.Pool {
	made := make([]*upstream.Pool, len(endpoints))
	for i, endpoint := range endpoints {
		made[i] = p.registry.Pool(upstream.NewKey(endpoint.Address, protocol, profile), profile)
	}
	return made
}

// keep closes the connections to all endpoints but those of these upstreams. Some may be nil.
func (p *pools) keep(upstreams []*Upstream) {
	p.uses = make(map[upstream.Key]int, len(p.uses))
	for _, u := range upstreams {
		u.eachKey(func(key upstream.Key) { p.uses[key]++ })
	}
	p.registry.Keep(func(key upstream.Key) bool { return p.uses[key] > 0 })
}

// replace closes the connections to the endpoints that only the former upstream had.
func (p *pools) replace(former, next *Upstream) {
	next.eachKey(func(key upstream.Key) { p.uses[key]++ })
	former.eachKey(func(key upstream.Key) {
		if p.uses[key]--; p.uses[key] == 0 {
			delete(p.uses, key)
			p.registry.Drop(key)
		}
	})
}

// eachKey calls a function with the key of each endpoint that has a pool. The upstream may be nil.
func (u *Upstream) eachKey(do func(upstream.Key)) {
	if u == nil || u.Problem != nil {
		return
	}
	for _, endpoint := range u.source.Endpoints {
		do(upstream.NewKey(endpoint.Address, u.Protocol, u.TLS))
	}
}
