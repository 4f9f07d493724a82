package redirecting_test

import (
	"testing"

	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/redirecting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestAll(t *testing.T) {
	chain := policytest.Compile(t, redirecting.All{To: route.Redirect{Status: 301, URL: "https://www.example.com/p"}})
	r := policytest.Request(t, "GET /x?y=1 HTTP/1.1\r\nHost: h")
	if reply, answered := chain.Request(r); !answered || reply.Status != 301 || string(r.ReplyLines) != "Location: https://www.example.com/p\r\n" {
		t.Errorf("got %v, %t, %q", reply, answered, r.ReplyLines)
	}
}

func TestRoot(t *testing.T) {
	chain := policytest.Compile(t, redirecting.Root{Path: "/app?x=1"})
	for target, want := range map[string]string{
		"/": "Location: http://h:81/app?x=1\r\n", "/?q=1": "Location: http://h:81/app?x=1\r\n", "//": "Location: http://h:81/app?x=1\r\n", "/x": "", "/x/": "",
	} {
		r := policytest.Request(t, "GET "+target+" HTTP/1.1\r\nHost: h:81")
		reply, answered := chain.Request(r)
		if got := string(r.ReplyLines); got != want || answered != (want != "") || answered && reply.Status != 302 {
			t.Errorf("%s: got %v, %t, %q, want %q", target, reply, answered, got, want)
		}
	}
}

func TestEqualAndText(t *testing.T) {
	policytest.Distinct(t, redirecting.All{To: route.Redirect{Status: 301}}, redirecting.All{To: route.Redirect{Status: 302}},
		redirecting.Root{Path: "/a"}, redirecting.Root{Path: "/b"})
}
