package rewriting_test

import (
	"testing"

	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/proxy/match"
	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestPath(t *testing.T) {
	for _, c := range []struct{ pattern, target, path, want string }{
		{`/api(/|$)(.*)`, "/$2", "/api", "/"},
		{`/api(/|$)(.*)`, "/$2", "/api/", "/"},
		{`/api(/|$)(.*)`, "/$2", "/API/x/y", "/x/y"},
		{`/api(/|$)(.*)`, "/$2", "/api/a%20b", "/a%20b"},
		{`/api(/|$)(.*)`, "/$2", "/api/a%2Fb", "/a/b"},
		{`/api(/|$)(.*)`, "/$2", "/api//x", "/x"},
		{`/api(/|$)(.*)`, "/$2", "/api/%3Fx%25", "/%3Fx%25"},
		{`/v(\d+)/(.*)`, "/$2/$1/$3$0", "/v12/z", "/z/12//v12/z"},
		{`/a`, "/", "/a/b", "/"},
		{`/a(/x)?`, "/b$1$", "/a", "/b$"},
		{`/(.*)`, "new/$1", "/x", "/new/x"},
		{"", "/$1fixed", "/x/y", "/fixed"},
	} {
		chain := policytest.Compile(t, rewriting.Path{Target: c.target})
		r := policytest.Request(t, "GET "+c.path+"?q=1 HTTP/1.1\r\nHost: h")
		if c.pattern != "" {
			pattern, err := match.CompilePattern(route.Path{Kind: route.Regex, Value: c.pattern, IgnoreCase: true})
			if err != nil {
				t.Fatal(err)
			}
			r.Pattern = pattern
		}
		if reply, answered := chain.Request(r); answered || string(r.Path) != c.want {
			t.Errorf("%s to %s: %s becomes %q, %v, want %q", c.pattern, c.target, c.path, r.Path, reply, c.want)
		}
		// With the race detector package regexp allocates more, because sync.Pool drops what it holds at random.
		if allocations := testing.AllocsPerRun(50, func() { chain.Request(r) }); allocations > 1 && !racedetector.On {
			t.Errorf("%s to %s: %.0f allocations", c.pattern, c.target, allocations)
		}
	}
}

func TestAbsoluteTargetRedirects(t *testing.T) {
	chain := policytest.Compile(t, rewriting.Path{Target: "https://new.example/$1"})
	pattern, err := match.CompilePattern(route.Path{Kind: route.Regex, Value: "/old/(.*)"})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"/old/a%20b?q=1": "Location: https://new.example/a%20b?q=1\r\n", "/old/x": "Location: https://new.example/x\r\n",
	} {
		r := policytest.Request(t, "GET "+target+" HTTP/1.1\r\nHost: h")
		r.Pattern = pattern
		if reply, answered := chain.Request(r); !answered || reply.Status != 302 || string(r.ReplyLines) != want {
			t.Errorf("%s: got %v, %t, %q", target, reply, answered, r.ReplyLines)
		}
	}
}

func TestForwardedPrefix(t *testing.T) {
	chain := policytest.Compile(t, rewriting.ForwardedPrefix{Value: "/pre"})
	r := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h\r\nx-forwarded-prefix: /forged\r\nA: b")
	chain.Request(r)
	if got := string(r.Message.AppendForwarded(nil)) + string(r.RequestLines); got != "A: b\r\nX-Forwarded-Prefix: /pre\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestEqualAndText(t *testing.T) {
	policytest.Distinct(t, rewriting.Path{Target: "/a"}, rewriting.Path{Target: "/b"},
		rewriting.ForwardedPrefix{Value: "/a"}, rewriting.ForwardedPrefix{Value: "/b"})
}

func TestFieldsOfRequests(t *testing.T) {
	chain := policytest.Compile(t, rewriting.Field{Name: "X-Who", Value: "$http_x_user of $host"}, rewriting.Field{Name: "X-Gone"},
		rewriting.Connection{Value: "keep-alive"})
	r := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h\r\nX-User: alice\r\nx-who: forged\r\nX-Gone: a")
	chain.Request(r)
	if got := string(r.Message.AppendForwarded(nil)) + string(r.RequestLines); got != "X-User: alice\r\nX-Who: alice of h\r\nConnection: keep-alive\r\n" {
		t.Errorf("got %q", got)
	}
	r = policytest.Request(t, "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket")
	if chain.Request(r); string(r.RequestLines) != "X-Who:  of h\r\n" {
		t.Errorf("got %q", r.RequestLines)
	}
	policytest.Distinct(t, rewriting.Field{Name: "a"}, rewriting.Field{Name: "a", Value: "b"}, rewriting.Connection{Value: "a"}, rewriting.Connection{Value: "b"})
}
