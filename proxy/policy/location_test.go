package policy

import (
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestLocation(t *testing.T) {
	change := func(kind route.PathChangeKind, value string) route.PathChange {
		return route.PathChange{Kind: kind, Value: value}
	}
	for _, c := range []struct {
		name, target, host string
		to                 route.Redirect
		prefix, want       string
	}{
		{"whole URL", "/a?q", "h", route.Redirect{URL: "https://new.example/x?y"}, "", "https://new.example/x?y"},
		{"nothing changes", "/a?q", "h", route.Redirect{}, "", "https://h/a?q"},
		{"own port", "/a", "h:8443", route.Redirect{}, "", "https://h:8443/a"},
		{"the scheme's port is left out", "/a", "h:443", route.Redirect{}, "", "https://h/a"},
		{"a scheme has the port that it is served on", "/a", "h:8443", route.Redirect{Scheme: "http"}, "", "http://h:30080/a"},
		{"port", "/a", "h", route.Redirect{Scheme: "http", Port: 8080}, "", "http://h:8080/a"},
		{"standard port", "/a", "h:8080", route.Redirect{Scheme: "http", Port: 80}, "", "http://h/a"},
		{"host", "/a", "h", route.Redirect{Host: "www.h"}, "", "https://www.h/a"},
		{"IPv6", "/a", "[::1]:81", route.Redirect{}, "", "https://[::1]:81/a"},
		{"IPv6 without a port", "/a", "[::81]", route.Redirect{}, "", "https://[::81]/a"},
		{"path", "/a?q", "h", route.Redirect{Path: change(route.ReplacePath, "/new")}, "", "https://h/new?q"},
		{"prefix", "/a/b", "h", route.Redirect{Path: change(route.ReplacePrefix, "/new")}, "/a", "https://h/new/b"},
		{"prefix, slashes", "/a/b", "h", route.Redirect{Path: change(route.ReplacePrefix, "/new/")}, "/a/", "https://h/new/b"},
		{"prefix, root", "/a/b", "h", route.Redirect{Path: change(route.ReplacePrefix, "/")}, "/a", "https://h/b"},
		{"whole prefix", "/a", "h", route.Redirect{Path: change(route.ReplacePrefix, "/")}, "/a", "https://h/"},
		{"prefix of the root", "/a", "h", route.Redirect{Path: change(route.ReplacePrefix, "/new")}, "/", "https://h/new/a"},
		{"prefix of no prefix", "/a", "h", route.Redirect{Path: change(route.ReplacePrefix, "/new")}, "", "https://h/new"},
		{"empty query", "/a?", "h", route.Redirect{}, "", "https://h/a?"},
		{"bad query", "/?\"<x>\xff|%41%4z%", "h", route.Redirect{}, "", "https://h/?%22%3Cx%3E%FF%7C%41%254z%25"},
		{"good query", "/?a=b&c[]=d/e?f:g@h!$'()*+,;~-._", "h", route.Redirect{}, "", "https://h/?a=b&c%5B%5D=d/e?f:g@h!$'()*+,;~-._"},
	} {
		r := newRequest(t, c.target, c.host)
		r.HTTPPort = 30080
		if c.host[0] == '[' {
			r.Host = []byte(c.host[:len(c.host)-len(trailingPort(c.host))])
		}
		c.to.Status = 301
		reply := r.Redirect(&c.to, c.prefix)
		if got, want := string(r.ReplyLines), "Location: "+c.want+"\r\n"; got != want || reply.Status != 301 {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, reply, want)
		}
	}
}

func trailingPort(host string) string {
	for i := len(host) - 1; i > 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			return host[i:]
		}
	}
	return ""
}

func TestNoLocationWithoutAHost(t *testing.T) {
	r := newRequest(t, "/a", "h")
	r.Host = nil
	if reply := r.Redirect(&route.Redirect{Status: 301}, ""); reply.Status != 400 || len(r.ReplyLines) > 0 {
		t.Errorf("got %v, %q", reply, r.ReplyLines)
	}
	for _, to := range []route.Redirect{{Status: 301, Host: "h"}, {Status: 301, URL: "https://h/"}} {
		if reply := r.Redirect(&to, ""); reply.Status != 301 {
			t.Errorf("%s: got %v", to.Text(), reply)
		}
	}
}

// FuzzLocation holds that no request breaks the line.
func FuzzLocation(f *testing.F) {
	f.Add("/a", "q=\xff%", "/b", "/a")
	f.Fuzz(func(t *testing.T, path, query, value, prefix string) {
		r := newRequest(t, "/", "h")
		r.Decoded, r.Message.Query, r.Message.HasQuery = []byte(path), []byte(query), true
		r.Redirect(&route.Redirect{Status: 301, Path: route.PathChange{Kind: route.ReplacePrefix, Value: value}}, prefix)
		for i, c := range r.ReplyLines[:len(r.ReplyLines)-2] {
			if c < ' ' && c != '\t' || c == 0x7f {
				t.Fatalf("%q has a control character at %d", r.ReplyLines, i)
			}
		}
	})
}
