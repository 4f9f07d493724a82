package replying_test

import (
	"testing"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
)

func TestCORS(t *testing.T) {
	chain := policytest.Compile(t, replying.CORS{
		Origins: "https://a.example.test, https://*.b.example.test:8443", Methods: "GET", Headers: "X-A", Expose: "X-B", MaxAge: 60,
		WithCredentials: true,
	})
	const rest = "Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: GET\r\nAccess-Control-Allow-Headers: X-A\r\n" +
		"Access-Control-Expose-Headers: X-B\r\nAccess-Control-Max-Age: 60\r\n"
	for origin, allowed := range map[string]bool{
		"https://a.example.test": true, "HTTPS://A.example.test": true, "https://x.b.example.test:8443": true,
		"https://x.b.example.test": false, "https://.b.example.test:8443": false, "https://x.y.b.example.test:8443": false,
		"https://a.example.test.evil": false, "http://a.example.test": false, "https://evil/.b.example.test:8443": false, "null": false, "": false,
	} {
		for _, method := range []string{"OPTIONS", "GET"} {
			r := policytest.Request(t, method+" / HTTP/1.1\r\nHost: h\r\nOrigin: "+origin)
			reply, answered := chain.Request(r)
			if answered != (allowed && method == "OPTIONS") || answered && reply.Status != 204 {
				t.Errorf("%s from %q: got %v, %t", method, origin, reply, answered)
			}
			sent := policytest.Reply(t, "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\nX: y")
			chain.Reply(r, sent)
			want := "access-control-allow-origin: *\r\nX: y\r\n"
			if allowed {
				want = "X: y\r\nAccess-Control-Allow-Origin: " + origin + "\r\nVary: Origin\r\n" + rest
			}
			if got := policytest.Sent(r, sent); got != want {
				t.Errorf("%s from %q: got %q, want %q", method, origin, got, want)
			}
		}
	}
}

func TestCORSForAllAndForNone(t *testing.T) {
	for origins, want := range map[string]string{
		"*": "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET\r\nAccess-Control-Allow-Headers: X-A\r\nAccess-Control-Max-Age: 0\r\n", "": "",
	} {
		chain := policytest.Compile(t, replying.CORS{Origins: origins, Methods: "GET", Headers: "X-A"})
		r := policytest.Request(t, "OPTIONS / HTTP/1.1\r\nHost: h")
		_, answered := chain.Request(r)
		chain.Reply(r, nil)
		if got := string(r.ReplyLines); got != want || answered != (want != "") {
			t.Errorf("%q: got %q, %t", origins, got, answered)
		}
	}
}

func TestReplies(t *testing.T) {
	fields := policytest.Compile(t, replying.Field{Name: "X-Frame-Options", Value: "DENY"}, replying.Hide{Name: "server"})
	cookies := policytest.Compile(t, replying.Cookies{PathFrom: "/one/", PathTo: "/", DomainFrom: "inner.local", DomainTo: "outer.test"})
	locations := policytest.Compile(t, replying.Location{From: "http://inner.local/", To: "https://outer.test/"})
	for _, c := range []struct{ name, head, want string }{
		{"fields", "x-frame-options: ALLOW\r\nServer: s\r\nA: b", "A: b\r\nX-Frame-Options: DENY\r\n"},
		{"cookies", "Set-Cookie: a=1; Path=/one/x; Domain=inner.local", "Set-Cookie: a=1; Path=/x; Domain=outer.test\r\n"},
		{"cookies", "A: b\r\nset-cookie: path=/one/; path = /one/y;Secure; DOMAIN=.Inner.Local\r\nSet-Cookie: c", "A: b\r\nSet-Cookie: path=/one/; path =/y;Secure; DOMAIN=outer.test\r\nSet-Cookie: c\r\n"},
		{"cookies", "Set-Cookie: a=1; Path=/other; Domain=inner.local.test", "Set-Cookie: a=1; Path=/other; Domain=inner.local.test\r\n"},
		{"locations", "Location: http://inner.local/x", "Location: https://outer.test/x\r\n"},
		{"locations", "Location: /rel\r\nRefresh: 5; url=http://inner.local/y", "Location: /rel\r\nRefresh: 5; url=https://outer.test/y\r\n"},
	} {
		r, reply := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h"), policytest.Reply(t, "HTTP/1.1 200 OK\r\n"+c.head)
		switch c.name {
		case "fields":
			fields.Reply(r, reply)
		case "cookies":
			cookies.Reply(r, reply)
		default:
			locations.Reply(r, reply)
		}
		if got := policytest.Sent(r, reply); got != c.want {
			t.Errorf("%s, %q: got %q, want %q", c.name, c.head, got, c.want)
		}
	}
	r := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h")
	cookies.Reply(r, nil)
	locations.Reply(r, nil)
	if fields.Reply(r, nil); string(r.ReplyLines) != "X-Frame-Options: DENY\r\n" {
		t.Errorf("a reply of the proxy: got %q", r.ReplyLines)
	}
}

// TestServer has the proxy's own reply, and those of endpoints with and without a name.
func TestServer(t *testing.T) {
	for _, keep := range []bool{false, true} {
		chain := policytest.Compile(t, replying.Server{Name: "proxy", KeepEndpoints: keep})
		for _, c := range []struct {
			reply *message.Response
			want  string
		}{
			{nil, "proxy"}, {policytest.Reply(t, "HTTP/1.1 200 OK"), "proxy"}, {policytest.Reply(t, "HTTP/1.1 200 OK\r\nServer: endpoint"), "endpoint"},
		} {
			want := "Server: " + c.want + "\r\n"
			if !keep {
				want = "Server: proxy\r\n"
			}
			r := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h")
			chain.Reply(r, c.reply)
			got := string(r.ReplyLines)
			if c.reply != nil {
				got += string(c.reply.AppendForwarded(nil))
			}
			if got != want {
				t.Errorf("keep %t, endpoint %+v: got %q, want %q", keep, c.reply, got, want)
			}
		}
	}
}

func TestEqualAndText(t *testing.T) {
	policytest.Distinct(t,
		replying.CORS{}, replying.CORS{Origins: "*"}, replying.CORS{Methods: "a"}, replying.CORS{Headers: "a"}, replying.CORS{Expose: "a"},
		replying.CORS{MaxAge: 1}, replying.CORS{WithCredentials: true},
		replying.Field{Name: "a"}, replying.Field{Name: "a", Value: "b"}, replying.Hide{Name: "a"}, replying.Hide{Name: "b"},
		replying.Cookies{}, replying.Cookies{PathFrom: "a"}, replying.Cookies{PathTo: "a"}, replying.Cookies{DomainFrom: "a"}, replying.Cookies{DomainTo: "a"},
		replying.Location{From: "a"}, replying.Location{To: "a"})
}

func TestAllocatesNothing(t *testing.T) {
	chain := policytest.Compile(t, replying.CORS{Origins: "https://*.b.test"}, replying.Field{Name: "A", Value: "b"},
		replying.Cookies{PathFrom: "/a", PathTo: "/"}, replying.Location{From: "http://a", To: "http://b"})
	r := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://x.b.test")
	reply := policytest.Reply(t, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/a/b\r\nLocation: http://a/")
	if allocations := testing.AllocsPerRun(50, func() {
		r.ReplyLines = r.ReplyLines[:0]
		chain.Request(r)
		chain.Reply(r, reply)
	}); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}
