package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
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

// TestDecodedPaths finds routes by decoded paths, and forwards them normalised or as they were sent.
func TestDecodedPaths(t *testing.T) {
	seen := func(name string) route.Endpoint {
		return backend(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", name, r.RequestURI) })
	}
	table := &route.Table{
		Hosts:     []route.Host{host("", prefix("/foo", "foo"), prefix("/foo/bar", "bar"), prefix("/a%20b", "space"), prefix("/admin", "admin"))},
		Upstreams: []route.Upstream{upstream("foo", seen("foo")), upstream("bar", seen("bar")), upstream("space", seen("space")), upstream("admin", seen("admin"))},
	}
	raw := *table
	raw.RawPaths = true
	for _, c := range []struct{ path, normal, raw string }{
		{"/foo", "foo /foo", "foo /foo"},
		{"//foo", "foo //foo", "foo //foo"},
		{"/foo%2Fbar", "bar /foo%2Fbar", "bar /foo%2Fbar"},
		{"/%66oo/%7Ejo/a%2fb?q=%7E", "foo /foo/~jo/a%2Fb?q=%7E", "foo /%66oo/%7Ejo/a%2fb?q=%7E"},
		{"/x/../foo", "foo /foo", "foo /x/../foo"},
		{"/foo/..%2Fadmin", "admin /foo/..%2Fadmin", "admin /foo/..%2Fadmin"},
		{"/a%20b", "space /a%20b", "space /a%20b"},
		{"/fo", "Not Found\n", "Not Found\n"},
		{"/foo/%zz", "Bad Request\n", "Bad Request\n"},
		{"/foo/..%2F..%2F", "Bad Request\n", "Bad Request\n"},
	} {
		for _, mode := range []struct {
			table *route.Table
			want  string
		}{{table, c.normal}, {&raw, c.raw}} {
			s := serve(t, proxy.Config{}, mode.table)
			connection := s.dial(t)
			connection.send("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", c.path)
			if _, body := connection.reply("GET"); body != mode.want {
				t.Errorf("%s, raw %t: got %q, want %q", c.path, mode.table.RawPaths, body, mode.want)
			}
		}
	}
}

// TestUnrouted has a policy of requests that no route matches; refused requests have none.
func TestUnrouted(t *testing.T) {
	table := &route.Table{Hosts: []route.Host{host("known", prefix("/a", "u"))}, Unrouted: []route.Policy{policy.HSTS{Value: "max-age=1"}}}
	s := serve(t, proxy.Config{}, table)
	for url, want := range map[string]string{
		"https://known/": "max-age=1", "https://unknown/": "max-age=1", "http://unknown/": "", "https://known/a": "",
	} {
		if _, _, header := s.get(t, url); header.Get("Strict-Transport-Security") != want {
			t.Errorf("%s: got %q, want %q", url, header.Get("Strict-Transport-Security"), want)
		}
	}
}

// TestHealthPath has requests that name no host that the table has, as those of load balancers.
func TestHealthPath(t *testing.T) {
	up := upstream("u", backend(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "endpoint") }))
	for name, test := range map[string]struct {
		hosts []route.Host
		want  map[string]string // "status body", by URL
	}{
		"no hosts":   {nil, map[string]string{"http://192.0.2.1/healthz": "200 ", "http://192.0.2.1/%68ealthz": "200 ", "http://192.0.2.1/": "404 Not Found\n"}},
		"named host": {[]route.Host{host("h", prefix("/a", "u"))}, map[string]string{"http://h/healthz": "404 Not Found\n", "http://i/healthz": "200 "}},
		"wildcard":   {[]route.Host{host("*.h", prefix("/", "u"))}, map[string]string{"http://a.h/healthz": "200 endpoint", "http://h/healthz": "200 "}},
		"all paths of all hosts": {
			[]route.Host{host("", prefix("/", "u"))}, map[string]string{"http://h/healthz": "200 ", "https://h/healthz": "200 ", "http://h/healthz/x": "200 endpoint"},
		},
		"the path itself": {[]route.Host{host("", prefix("/healthz", "u"))}, map[string]string{"http://h/healthz": "200 endpoint"}},
	} {
		s := serve(t, proxy.Config{}, &route.Table{Hosts: test.hosts, Upstreams: []route.Upstream{up}, HealthPath: "/healthz"})
		for url, want := range test.want {
			if code, body, _ := s.get(t, url); fmt.Sprint(code, " ", body) != want {
				t.Errorf("%s: %s: got %d %q, want %q", name, url, code, body, want)
			}
		}
	}
}

// TestRewrite has the groups of a route's pattern in the path that endpoints get.
func TestRewrite(t *testing.T) {
	table := toAll(upstream("u", backend(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) })))
	table.Hosts[0].Routes[0].Match = route.Match{Path: route.Path{Kind: route.Regex, Value: `/api(/|$)(.*)`, IgnoreCase: true}}
	table.Hosts[0].Routes[0].Policies = []route.Policy{rewriting.Path{Target: "/$2"}}
	s := serve(t, proxy.Config{}, table)
	for url, want := range map[string]string{"http://h/Api/x%20y?q=/": "/x%20y?q=/", "http://h/api": "/", "http://h/apix": "Not Found\n"} {
		if _, body, _ := s.get(t, url); body != want {
			t.Errorf("%s: got %q, want %q", url, body, want)
		}
	}
}
