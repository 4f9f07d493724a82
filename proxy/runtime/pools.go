package runtime

import (
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// pools are the connections to the endpoints of the upstreams that are served. Upstreams may share an endpoint.
type pools struct {
	registry *upstream.Registry
	uses     map[upstream.Key]int
}

// of returns the pools of an upstream's endpoints, in their order.
func (p *pools) of(protocol route.Protocol, endpoints []route.Endpoint, profile tlsprofile.Profile) []*upstream.Pool {
	made := make([]*upstream.Pool, len(endpoints))
	for i, endpoint := range endpoints {
		made[i] = p.registry.Pool(upstream.NewKey(endpoint.Address, protocol, profile), profile)
	}
	return made
}

// change notes that some upstreams take the place of others, which are at the same places if they stay, and closes the
// connections to the endpoints that none has any more. Some may be nil.
func (p *pools) change(former, next []*Upstream) {
	if p.uses == nil {
		p.uses = make(map[upstream.Key]int)
	}
	for i, u := range next { // first, for endpoints that pass from one upstream to another
		if i >= len(former) || former[i] != u {
			u.eachKey(func(key upstream.Key) { p.uses[key]++ })
		}
	}
	for i, u := range former {
		if i < len(next) && next[i] == u {
			continue
		}
		u.eachKey(func(key upstream.Key) {
			if p.uses[key]--; p.uses[key] == 0 {
				delete(p.uses, key)
				p.registry.Drop(key)
			}
		})
	}
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
