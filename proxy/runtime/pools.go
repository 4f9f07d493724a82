package runtime

import (
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// pools is all that this package uses of package upstream.
type pools struct {
	registry *upstream.Registry
}

// of returns the pools of an upstream's endpoints, in their order.
func (p pools) of(protocol route.Protocol, endpoints []route.Endpoint, profile upstream.TLSProfile) []*upstream.Pool {
	made := make([]*upstream.Pool, len(endpoints))
	for i, endpoint := range endpoints {
		made[i] = p.registry.Pool(upstream.NewKey(endpoint.Address, protocol, profile), profile)
	}
	return made
}

// keep closes the connections to all endpoints but those of these upstreams. Some may be nil.
func (p pools) keep(upstreams []*Upstream) {
	used := make(map[upstream.Key]bool)
	for _, u := range upstreams {
		if u == nil || u.Problem != nil {
			continue
		}
		for _, endpoint := range u.source.Endpoints {
			used[upstream.NewKey(endpoint.Address, u.Protocol, u.TLS)] = true
		}
	}
	p.registry.Keep(used)
}
