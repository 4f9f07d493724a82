package proxy_test

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestAccessLogInAFormat leaves requests out by the target, by a policy, and altogether.
func TestAccessLogInAFormat(t *testing.T) {
	var log lines
	table := toAll(upstream("u", backend(t, named("x"))))
	table.AccessLog = route.AccessLog{
		Format: `$request|$status|$http_x_a|$upstream_status|$ingress_name|$proxy_upstream_name`, Skip: []string{"/skipped?a=b", "~^/pattern"},
	}
	table.Hosts[0].Routes[0].Source = route.ObjectRef{Kind: "Ingress", Namespace: "default", Name: "shop"}
	quiet := table.Hosts[0].Routes[0]
	quiet.Match, quiet.Policies = route.PrefixPath("/quiet"), []route.Policy{policy.NotLogged{}}
	table.Hosts[0].Routes = append(table.Hosts[0].Routes, quiet)
	off := *table
	off.AccessLog = route.AccessLog{Off: true}
	s := serve(t, proxy.Config{AccessLog: &log}, table)
	get := func(target string) {
		c := s.dial(t)
		c.send("GET %s HTTP/1.1\r\nHost: h\r\nX-A: \"\r\n\r\n", target)
		c.reply("GET")
	}
	for _, target := range []string{"/first?a=b", "/skipped?a=b", "/pattern/a", "/quiet", "/skipped"} {
		get(target)
	}
	s.Apply(&off)
	get("/off")
	s.Apply(table)
	get("/%zz")
	want := []string{
		`GET /first?a=b HTTP/1.1|200|\x22|200|shop|u`, `GET /skipped HTTP/1.1|200|\x22|200|shop|u`, `GET /%zz HTTP/1.1|400|\x22|-|-|-`,
	}
	got := log.wait(t, 3)
	slices.Sort(got) // an entry is written after its reply, so that the next connection's may come before
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
