package runtime

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

func newCompiler(t testing.TB) *Compiler {
	t.Helper()
	generated, err := certs.SelfMade()
	if err != nil {
		t.Fatal(err)
	}
	return NewCompiler(metrics.NewCollector(), upstream.NewRegistry(upstream.Options{}), generated, message.Reading{})
}

func compile(t testing.TB, c *Compiler, table *route.Table) *Table {
	t.Helper()
	compiled, problems := c.Compile(table)
	for _, problem := range problems {
		t.Error(problem)
	}
	return compiled
}

func newUpstream(name string, endpoints int) route.Upstream {
	u := route.Upstream{Name: name}
	for i := range endpoints {
		address := netip.AddrFrom4([4]byte{10, 0, byte(len(name)), byte(i + 1)})
		u.Endpoints = append(u.Endpoints, route.Endpoint{Address: netip.AddrPortFrom(address, 80)})
	}
	return u
}

// one is a table of one route for everything.
func one(r route.Route, upstreams ...route.Upstream) *route.Table {
	r.Match = route.PrefixPath("/")
	return &route.Table{Hosts: []route.Host{{Routes: []route.Route{r}}}, Upstreams: upstreams}
}

func request(t testing.TB, fields string) *policy.Request {
	t.Helper()
	m := new(message.Request)
	if err := m.Parse([]byte("GET / HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	return &policy.Request{Message: m, Host: []byte("h"), Path: []byte("/"), Decoded: []byte("/"), Scheme: "https"}
}

// selected sends a request and names what gets it.
func selected(t testing.TB, table *Table, r *policy.Request) (name string, selection Selection) {
	t.Helper()
	found := table.Find(r)
	if found == nil {
		t.Fatal("no route")
	}
	selection = table.Select(found, r)
	switch {
	case selection.Backend == nil:
		return "none", selection
	case selection.Backend.Deny != nil:
		return "denied", selection
	}
	return fmt.Sprintf("%s/%d", selection.Upstream.Name, selection.Endpoint), selection
}

func TestWeightedBackends(t *testing.T) {
	deny := &route.Deny{Status: 500}
	table := compile(t, newCompiler(t), one(route.Route{Action: route.Forward{Backends: []route.Backend{
		{Upstream: "no", Weight: 0}, {Upstream: "one", Weight: 2}, {Weight: 1, Deny: deny}, {Upstream: "missing", Weight: 1},
	}}}, newUpstream("no", 1), newUpstream("one", 1)))
	counts := map[string]int{}
	for range 8000 {
		name, selection := selected(t, table, request(t, ""))
		counts[name]++
		if reply, denied := selection.Denied(); denied != (name == "denied") || denied && reply.Status != 500 {
			t.Fatalf("%s: got the reply %v, %t", name, reply, denied)
		}
	}
	// 6 standard deviations: exceeded once in 500 million.
	for name, share := range map[string]float64{"one/0": 0.5, "denied": 0.25, "missing/-1": 0.25} {
		if off := float64(counts[name]) - 8000*share; off*off > 36*8000*share*(1-share) {
			t.Errorf("got %v", counts)
		}
	}
	if len(counts) != 3 {
		t.Errorf("got %v", counts)
	}
	table = compile(t, newCompiler(t), one(route.Route{Action: route.Forward{}}))
	if name, _ := selected(t, table, request(t, "")); name != "none" {
		t.Errorf("a route without backends: got %s", name)
	}
}

func canaryTo(backend route.Backend, weight int) *route.Table {
	return one(route.Route{
		Action: route.Forward{
			Backends: []route.Backend{{Upstream: "main", Weight: 1}},
			Canary:   &route.Canary{Backend: backend, Weight: weight, Header: "X-C"},
		},
		Policies: []route.Policy{policy.Affinity{Cookie: "s"}},
	}, newUpstream("main", 2), newUpstream("canary", 2), newUpstream("empty", 0))
}

func TestCanaryWithoutEndpointsGetsNothing(t *testing.T) {
	for _, upstream := range []string{"empty", "missing"} {
		table := compile(t, newCompiler(t), canaryTo(route.Backend{Upstream: upstream}, 100))
		for _, fields := range []string{"", "X-C: always\r\n"} {
			if name, _ := selected(t, table, request(t, fields)); !strings.HasPrefix(name, "main/") {
				t.Errorf("%s, %q: got %s", upstream, fields, name)
			}
		}
	}
	table := compile(t, newCompiler(t), canaryTo(route.Backend{Deny: &route.Deny{Status: 503}}, 100))
	if name, _ := selected(t, table, request(t, "")); name != "denied" {
		t.Errorf("a canary that denies: got %s", name)
	}
}

func TestSessionsKeepTheirEndpoint(t *testing.T) {
	c := newCompiler(t)
	table := compile(t, c, canaryTo(route.Backend{Upstream: "canary"}, 0))
	for _, side := range []string{"never", "always"} {
		r := request(t, "X-C: "+side+"\r\n")
		first, _ := selected(t, table, r)
		if r.Session == "" {
			t.Fatalf("%s: no session begins", side)
		}
		table = compile(t, c, canaryTo(route.Backend{Upstream: "canary"}, 100-len(side))) // hosts are compiled again
		for _, rule := range []string{"never", "always"} {
			again := request(t, "X-C: "+rule+"\r\nCookie: s="+r.Session+"\r\n")
			if name, _ := selected(t, table, again); name != first || again.Session != "" {
				t.Errorf("the session of %s: got %s, new session %q", first, name, again.Session)
			}
		}
	}
}

// TestSessionsKeepTheirSide has sessions whose endpoint is gone: another one of the same upstream takes them.
func TestSessionsKeepTheirSide(t *testing.T) {
	c := newCompiler(t)
	for _, side := range []string{"main", "canary"} {
		table := compile(t, c, canaryTo(route.Backend{Upstream: "canary"}, 50))
		r := request(t, "X-C: "+map[string]string{"main": "never", "canary": "always"}[side]+"\r\n")
		_, selection := selected(t, table, r)
		less := canaryTo(route.Backend{Upstream: "canary"}, 50)
		for i := range less.Upstreams {
			if u := &less.Upstreams[i]; u.Name == side {
				u.Endpoints = slices.Delete(u.Endpoints, selection.Endpoint, selection.Endpoint+1)
			}
		}
		table = compile(t, c, less)
		for range 20 {
			again := request(t, "Cookie: s="+r.Session+"\r\n")
			if name, _ := selected(t, table, again); name != side+"/0" || again.Session == "" || again.Session == r.Session {
				t.Errorf("the session of %s: got %s, new session %q", side, name, again.Session)
			}
		}
	}
}

// TestSessionsOfTheMainSideAlone lets a canary's requests begin none.
func TestSessionsOfTheMainSideAlone(t *testing.T) {
	source := canaryTo(route.Backend{Upstream: "canary"}, 0)
	source.Hosts[0].Routes[0].Policies = []route.Policy{policy.Affinity{Cookie: "s", MainOnly: true, Stay: true}}
	table := compile(t, newCompiler(t), source)
	r := request(t, "X-C: always\r\n")
	if name, selection := selected(t, table, r); !strings.HasPrefix(name, "canary/") || r.Session != "" || !selection.Movable() {
		t.Errorf("got %s with the session %q", name, r.Session)
	}
	r = request(t, "X-C: never\r\n")
	first, selection := selected(t, table, r)
	if r.Session == "" || !selection.Movable() {
		t.Errorf("a new session: %q, movable %t", r.Session, selection.Movable())
	}
	if name, selection := selected(t, table, request(t, "X-C: always\r\nCookie: s="+r.Session+"\r\n")); name != first || selection.Movable() {
		t.Errorf("got %s, want %s; movable %t", name, first, selection.Movable())
	}
}

// TestHashedRequestsKeepTheirEndpoint takes no turns.
func TestHashedRequestsKeepTheirEndpoint(t *testing.T) {
	table := compile(t, newCompiler(t), one(route.Route{
		Action: route.To("u"), Policies: []route.Policy{selecting.HashBy{Key: "$http_x_key"}},
	}, newUpstream("u", 5)))
	seen := map[string]bool{}
	for i := range 100 {
		fields := fmt.Sprintf("X-Key: %d\r\n", i%20)
		first, _ := selected(t, table, request(t, fields))
		if again, _ := selected(t, table, request(t, fields)); again != first {
			t.Fatalf("%q goes to %s and %s", fields, first, again)
		}
		seen[first] = true
	}
	if len(seen) != 5 {
		t.Errorf("20 keys are at %d endpoints", len(seen))
	}
}

// TestSessionOfABackendWithoutWeight begins anew elsewhere.
func TestSessionOfABackendWithoutWeight(t *testing.T) {
	c := newCompiler(t)
	shared := func(first, second int) *route.Table {
		return one(route.Route{
			Action: route.Forward{Backends: []route.Backend{
				{Upstream: "a", Weight: first}, {Upstream: "bb", Weight: second}, {Weight: 0, Deny: &route.Deny{Status: 503}},
			}},
			Policies: []route.Policy{policy.Affinity{Cookie: "s"}},
		}, newUpstream("a", 1), newUpstream("bb", 1))
	}
	r := request(t, "")
	if name, _ := selected(t, compile(t, c, shared(1, 0)), r); name != "a/0" {
		t.Fatalf("got %s", name)
	}
	cookie := "Cookie: s=" + r.Session + "\r\n"
	if name, _ := selected(t, compile(t, c, shared(1, 1000)), request(t, cookie)); name != "a/0" {
		t.Errorf("got %s", name)
	}
	again := request(t, cookie)
	if name, _ := selected(t, compile(t, c, shared(0, 1)), again); name != "bb/0" || again.Session == "" || again.Session == r.Session {
		t.Errorf("got %s with the session %q", name, again.Session)
	}
}

func TestNextTakesNoTurn(t *testing.T) {
	table := compile(t, newCompiler(t), one(route.Route{
		Action: route.To("u"), Policies: []route.Policy{policy.Affinity{Cookie: "s"}},
	}, newUpstream("u", 3)))
	r := request(t, "")
	_, selection := selected(t, table, r)
	for _, want := range []int{1, 2, 0} {
		selection.Next(r)
		if selection.Endpoint != want || r.Session != selection.Upstream.Turns.Token(want) || selection.Pool() != selection.Upstream.Pools[want] {
			t.Errorf("got endpoint %d, want %d", selection.Endpoint, want)
		}
	}
	if name, _ := selected(t, table, request(t, "")); name != "u/1" {
		t.Errorf("the second turn: got %s", name)
	}
	table = compile(t, newCompiler(t), one(route.Route{Action: route.To("u")}, newUpstream("u", 3)))
	r = request(t, "")
	_, selection = selected(t, table, r)
	if selection.Next(r); r.Session != "" {
		t.Error("without affinity a session begins")
	}
}

func TestAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		route  route.Route
		scheme string
		want   policy.Reply
	}{
		"forward":                  {route.Route{Action: route.To("u")}, "http", policy.Reply{}},
		"deny":                     {route.Route{Action: route.Deny{Status: 403, Reason: "why"}}, "http", policy.Reply{Status: 403, Reason: "why"}},
		"redirect":                 {route.Route{Action: route.Redirect{Status: 302, URL: "/x"}}, "http", policy.Reply{Status: 302}},
		"policies before the deny": {route.Route{Action: route.Deny{Status: 403}, Policies: []route.Policy{policy.RedirectToHTTPS{}}}, "http", policy.Reply{Status: 308}},
		"a policy that lets through": {
			route.Route{Action: route.Deny{Status: 403}, Policies: []route.Policy{policy.RedirectToHTTPS{}}}, "https", policy.Reply{Status: 403},
		},
	} {
		table := compile(t, newCompiler(t), one(c.route))
		r := request(t, "")
		r.Scheme = c.scheme
		reply, answered := table.Find(r).Answer(r)
		if reply != c.want || answered != (c.want.Status != 0) {
			t.Errorf("%s: got %v, %t, want %v", name, reply, answered, c.want)
		}
	}
}

// TestAnUpdateCostsWhatItChanges compares what is reused by identity.
func TestAnUpdateCostsWhatItChanges(t *testing.T) {
	c := newCompiler(t)
	hosts := func(second string) []route.Host {
		return []route.Host{
			{Name: "h", Routes: []route.Route{{Match: route.PrefixPath("/"), Action: route.To("u")}}},
			{Name: "other", Routes: []route.Route{{Match: route.PrefixPath("/"), Action: route.To(second)}}},
		}
	}
	table := compile(t, c, &route.Table{Hosts: hosts("v"), Upstreams: []route.Upstream{newUpstream("u", 3), newUpstream("v", 1)}})
	r := request(t, "")
	before, first := selected(t, table, r)
	found := table.Find(r)

	reordered := newUpstream("u", 3)
	e := reordered.Endpoints
	e[0], e[2] = e[2], e[0]
	table = compile(t, c, &route.Table{Hosts: hosts("w"), Upstreams: []route.Upstream{newUpstream("w", 1), reordered}})
	after, second := selected(t, table, r)
	if table.Find(r) != found || second.Backend.Series != first.Backend.Series || second.Upstream != first.Upstream {
		t.Error("a host or upstream that stays the same is compiled again")
	}
	if before != "u/0" || after != "u/1" {
		t.Errorf("the turn does not go on: %s, then %s", before, after)
	}

	table = compile(t, c, &route.Table{Hosts: hosts("w"), Upstreams: []route.Upstream{newUpstream("u", 2), newUpstream("w", 1)}})
	name, third := selected(t, table, r)
	if table.Find(r) != found || third.Upstream == first.Upstream || third.Pool() != first.Pool() {
		t.Error("a change of endpoints changes the routes, or pools of endpoints that stay")
	}
	if name != "u/0" {
		t.Errorf("other endpoints: got %s", name)
	}
}

func TestPoliciesThatCannotBeCompiledDeny(t *testing.T) {
	table := one(route.Route{Action: route.To("u"), Policies: []route.Policy{unknown{}}}, newUpstream("u", 1))
	compiled, problems := newCompiler(t).Compile(table)
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), `prefix /: it is answered with 503`) {
		t.Errorf("got %v", problems)
	}
	r := request(t, "")
	if reply, answered := compiled.Find(r).Answer(r); !answered || reply.Status != 503 {
		t.Errorf("got %v, %t", reply, answered)
	}
}

// unknown is a policy of no known kind.
type unknown struct{}

func (unknown) Text() string                  { return "unknown" }
func (unknown) Equal(other route.Policy) bool { return other == route.Policy(unknown{}) }

func TestSelectAllocatesNothing(t *testing.T) {
	table := canaryTo(route.Backend{Upstream: "canary"}, 50)
	forward := table.Hosts[0].Routes[0].Action.(route.Forward)
	forward.Backends = append(forward.Backends, route.Backend{Upstream: "canary", Weight: 3})
	table.Hosts[0].Routes[0].Action = forward
	compiled, r := compile(t, newCompiler(t), table), request(t, "Cookie: s=unknown\r\nX-C: x\r\n")
	run := func() {
		if found := compiled.Find(r); found != nil {
			compiled.Select(found, r)
		}
	}
	if allocations := testing.AllocsPerRun(100, run); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}

func BenchmarkFindAndSelect(b *testing.B) {
	compiled, r := compile(b, newCompiler(b), canaryTo(route.Backend{Upstream: "canary"}, 50)), request(b, "Cookie: s=unknown\r\n")
	b.ReportAllocs()
	for b.Loop() {
		compiled.Select(compiled.Find(r), r)
	}
}
