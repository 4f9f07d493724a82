package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestUpstreamHost has endpoints of both protocols.
func TestUpstreamHost(t *testing.T) {
	hosts := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s for %s", r.Host, r.Header.Get("X-Forwarded-Host"))
	}
	for name, table := range map[string]*route.Table{
		"HTTP/1.1": toAll(upstream("u", backend(t, hosts))), "HTTP/2": h2c(t, hosts),
	} {
		table.Hosts[0].Routes[0].Policies = []route.Policy{policy.UpstreamHost{Host: "inner.local"}}
		table.Hosts = append(table.Hosts, host("other", prefix("/", "u")))
		s := serve(t, proxy.Config{}, table)
		for url, want := range map[string]string{
			"http://outer/": "inner.local for outer", "http://other/": "other for other",
		} {
			if _, body, _ := s.get(t, url); body != want {
				t.Errorf("%s, %s: got %q, want %q", name, url, body, want)
			}
		}
	}
}

// TestRoutesByConditions has routes that differ by more than their path, and ways to answer other than forwarding.
func TestRoutesByConditions(t *testing.T) {
	only := func(m route.Match, change func(*route.Match)) route.Match {
		change(&m)
		return m
	}
	seen := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "forwarded") }
	table := toAll(upstream("u", backend(t, seen)))
	table.Hosts[0].Routes = append(table.Hosts[0].Routes,
		route.Route{
			Match:  only(route.PrefixPath("/"), func(m *route.Match) { m.Method = http.MethodDelete }),
			Action: route.Deny{Status: 403, Reason: "read only"},
		},
		route.Route{
			Match: only(route.PrefixPath("/"), func(m *route.Match) {
				m.Headers = []route.ValueMatch{{Name: "X-Version", Value: "v[0-9]", Regex: true}}
			}),
			Action: route.Redirect{Status: 302, Host: "versions.example"},
		},
		route.Route{
			Match:  route.Match{Path: route.Path{Kind: route.Regex, Value: `/old/(\d+)`, IgnoreCase: true}},
			Action: route.Redirect{Status: 301, URL: "https://new.example/"},
		},
	)
	s := serve(t, proxy.Config{}, table)
	for _, c := range []struct {
		url, header, value string
		status             int
		location           string
	}{
		{"http://h/a", "X-Version", "12", 200, ""},
		{"http://h/a?b=c", "x-version", "v1", 302, "http://versions.example/a?b=c"},
		{"http://h/OLD/7/x", "x-version", "v1", 301, "https://new.example/"},
		{"http://h/old/x", "X-A", "1", 200, ""},
	} {
		status, _, header := s.get(t, c.url, c.header, c.value)
		if status != c.status || header.Get("Location") != c.location {
			t.Errorf("%s: got %d to %q, want %d to %q", c.url, status, header.Get("Location"), c.status, c.location)
		}
	}
	c := s.dial(t)
	c.send("DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n")
	if reply, body := c.reply("DELETE"); reply.StatusCode != http.StatusForbidden || body != "Forbidden\n" {
		t.Errorf("got %d, %q", reply.StatusCode, body)
	}
}
