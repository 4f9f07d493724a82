package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

func (r *run) newBackend(t *trace.Exchange) *Backend {
	s := t.Selection
	b := &Backend{
		Service: serviceName(s.Backend), Source: Source(t.Route.Source), Endpoint: r.endpoint(s), Protocol: s.Protocol,
		Canary: s.Canary, By: s.By.String(), Odds: odds(t), Endpoints: len(s.Endpoints),
	}
	if forward, ok := t.Route.Action.(route.Forward); ok && s.Canary {
		b.Source = Source(forward.Canary.Source)
	}
	switch {
	case len(s.Endpoints) == 0:
	case s.By == trace.BySession:
		b.Balancing = "the session's"
	case slices.ContainsFunc(t.Policies, func(p trace.Policy) bool { return strings.HasPrefix(p.Text, "hash by ") }):
		b.Balancing = "by hash"
	default:
		b.Balancing = "round robin"
	}
	return b
}

func (r *run) endpoint(s *trace.Selection) string {
	if s.Endpoint == "" {
		return ""
	}
	for _, endpoint := range s.Endpoints {
		if endpoint.Address.String() == s.Endpoint && endpoint.Pod != "" {
			return s.Endpoint + " (Pod " + endpoint.Pod + ")"
		}
	}
	return r.named(s.Endpoint)
}

// named adds what an address stands for.
func (r *run) named(address string) string {
	if parsed, err := netip.ParseAddrPort(address); err == nil && r.options.Names != nil {
		if name := r.options.Names(parsed.Addr()); name != "" {
			return fmt.Sprintf("%s (%s)", address, name)
		}
	}
	return address
}

// odds are the shares of a route's backends for requests like this one.
func odds(t *trace.Exchange) []string {
	forward, ok := t.Route.Action.(route.Forward)
	if !ok {
		return nil
	}
	s := t.Selection
	if s.By == trace.BySession || s.Canary && s.By != trace.ByCanaryWeight {
		return []string{"all: " + serviceName(s.Backend)}
	}
	canaryShare := 0.0
	if c := forward.Canary; c != nil && s.By == trace.ByCanaryWeight {
		canaryShare = min(float64(c.Weight)/float64(c.Total()), 1)
	}
	sum := 0
	for _, backend := range forward.Backends {
		sum += backend.Weight
	}
	var all []string
	add := func(share float64, backend route.Backend) {
		switch {
		case share == 1:
			all = append(all, "all: "+serviceName(backend))
		case share > 0:
			all = append(all, fmt.Sprintf("%.4g %%: %s", 100*share, serviceName(backend)))
		}
	}
	for _, backend := range forward.Backends {
		if sum > 0 {
			add((1-canaryShare)*float64(backend.Weight)/float64(sum), backend)
		}
	}
	if canaryShare > 0 {
		add(canaryShare, forward.Canary.Backend)
	}
	return all
}
