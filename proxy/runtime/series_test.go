package runtime

import (
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestSeries has routes whose requests are counted together, and others.
func TestSeries(t *testing.T) {
	ingress := func(name string) route.ObjectRef {
		return route.ObjectRef{Kind: "Ingress", Namespace: "ns", Name: name}
	}
	backend := func(service string) route.Backend {
		return route.Backend{Upstream: service, Weight: 1, Service: route.ServiceRef{Namespace: "ns", Name: service}}
	}
	c := newCompiler(t)
	table := compile(t, c, one(route.Route{Source: ingress("main"), Action: route.Forward{
		Backends: []route.Backend{backend("a"), backend("b")},
		Canary:   &route.Canary{Backend: backend("a"), Source: ingress("canary")},
	}}))
	r := table.Find(request(t, ""))
	if r.Series != r.backends[0].Series {
		t.Error("what the route answers is not counted with its first backend")
	}
	if r.Series == r.backends[1].Series || r.Series == r.canary.backend.Series {
		t.Error("backends are counted together")
	}
	denied := compile(t, c, one(route.Route{Source: ingress("main"), Action: route.Deny{Status: 503}})).Find(request(t, ""))
	if denied.Series == nil || denied.Series == r.Series {
		t.Error("a route that denies has no series of its own")
	}
}
