package runtime

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestUpdate replaces an upstream of two that share an endpoint.
func TestUpdate(t *testing.T) {
	c := newCompiler(t)
	a, b := newUpstream("a", 2), newUpstream("b", 1)
	b.Endpoints = append(b.Endpoints, a.Endpoints[0])
	table := one(route.Route{Action: route.Forward{Backends: []route.Backend{{Upstream: "a", Weight: 1}}}}, a, b)
	former := compile(t, c, table)
	shared, only := former.upstreams[c.slots.byName["a"]].Pools[0], former.upstreams[c.slots.byName["a"]].Pools[1]

	changed := a
	changed.Endpoints = newUpstream("other", 1).Endpoints
	next, problems, err := c.Update([]route.Upstream{changed})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if got := next.Source().Upstreams; !slices.EqualFunc(got, []route.Upstream{changed, b}, route.Upstream.Equal) {
		t.Errorf("the table has %v", got)
	}
	if !former.Source().Equal(table) {
		t.Error("the former table has changed")
	}
	again := func(u route.Upstream, i int) any {
		return c.pools.of(u.Protocol, u.Endpoints, former.upstreams[0].TLS)[i]
	}
	if again(a, 0) != any(shared) || again(a, 1) == any(only) {
		t.Error("the connections to an endpoint that another upstream has are closed, or those to one that none has are kept")
	}
	if _, _, err := c.Update([]route.Upstream{newUpstream("c", 1)}); err == nil {
		t.Error("an upstream that is not in the table is replaced")
	}
	if compiled := compile(t, c, table); !compiled.Source().Equal(table) {
		t.Error("a compiled table keeps what has been updated")
	}
}
