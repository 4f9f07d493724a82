package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// newRequest parses a request for a host over HTTPS.
func newRequest(t testing.TB, target, host string) *Request {
	t.Helper()
	m := new(message.Request)
	if err := m.Parse([]byte("GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(host, ":")
	return &Request{
		Message: m, Host: []byte(name), Path: slices.Clone(m.Path), Decoded: slices.Clone(m.Path), Scheme: "https", HTTPPort: 80, HTTPSPort: 443,
	}
}

func newReply(t testing.TB, fields string) *message.Response {
	t.Helper()
	reply := new(message.Response)
	if err := reply.Parse([]byte("HTTP/1.1 200 OK\r\n"+fields+"\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	return reply
}

func compile(t testing.TB, policies ...route.Policy) Chain {
	t.Helper()
	chain, err := Compile(policies, new(States))
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// step notes in the request when it runs.
type step struct {
	name    string
	stage   Stage
	answers bool
}

func (s step) Stage() Stage                  { return s.stage }
func (s step) Text() string                  { return s.name }
func (s step) Equal(other route.Policy) bool { return other == route.Policy(s) }
func (s step) Request(r *Request) (Reply, bool) {
	r.AddRequestHeader("X-Step", s.name)
	return Reply{Status: 418, Reason: s.name}, s.answers
}
func (s step) Reply(r *Request, _ *message.Response) { r.AddReplyHeader("X-Step", s.name) }

func TestChainRunsInTheOrderOfTheStages(t *testing.T) {
	chain := compile(t, step{"headers", Replying, false}, step{"b", Limiting, false}, step{"a", Limiting, false},
		step{"password", Authorizing, true}, step{"rewrite", Rewriting, true}, step{"redirect", Redirecting, false})
	r := newRequest(t, "/", "h")
	reply, answered := chain.Request(r)
	if !answered || reply != (Reply{418, "password"}) {
		t.Errorf("got %v, %t", reply, answered)
	}
	if got, want := string(r.RequestLines), "X-Step: redirect\r\nX-Step: b\r\nX-Step: a\r\nX-Step: password\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	chain.Reply(r, nil)
	if got := strings.Count(string(r.ReplyLines), "X-Step"); got != 6 {
		t.Errorf("%d of 6 policies saw the reply", got)
	}
	if reply, answered := new(Chain).Request(r); answered {
		t.Errorf("an empty chain answers %v", reply)
	}
}

// stageless is a route.Policy without a stage, hookless one without a hook.
type (
	stageless struct{}
	hookless  struct{ stageless }
)

func (stageless) Text() string            { return "stageless" }
func (stageless) Equal(route.Policy) bool { return false }
func (hookless) Stage() Stage             { return Limiting }

func TestCompileFails(t *testing.T) {
	for _, bad := range []route.Policy{stageless{}, hookless{}} {
		if _, err := Compile([]route.Policy{HSTS{Value: "x"}, bad}, new(States)); err == nil || !strings.Contains(err.Error(), "stageless") {
			t.Errorf("%T: got %v", bad, err)
		}
	}
}

// TestEqualAndText changes each field of each policy.
func TestEqualAndText(t *testing.T) {
	all := []Policy{
		RedirectToHTTPS{}, RedirectToHTTPS{Status: 301}, RedirectToHTTPS{CutSlash: true}, HSTS{Value: "a"}, HSTS{Value: "b"}, HSTS{Value: "a", Own: true}, RedirectToHTTPS{Unnamed: true}, BodySize{1}, BodySize{2}, Timeouts{1, 1, 1}, Timeouts{2, 1, 1}, Timeouts{1, 2, 1}, Timeouts{1, 1, 2},
		Compress{}, Compress{[]compress.Settings{{Level: 1}}}, Compress{[]compress.Settings{{MinLength: 1}}}, Compress{[]compress.Settings{{Types: []string{"a"}}}},
		Compress{[]compress.Settings{{Except: "a"}}}, Compress{[]compress.Settings{{Coding: compress.Gzip}}}, Compress{[]compress.Settings{{Coding: compress.Brotli}, {}}},
		Retry{}, Retry{Never: true}, Retry{Timeouts: true}, Retry{Statuses: []int{500}}, Retry{NonIdempotent: true}, Retry{Attempts: 1}, Retry{Within: 1},
		UpstreamHost{"a"}, UpstreamHost{"b"}, NotLogged{},
		Affinity{Cookie: "a"}, Affinity{Cookie: "b"}, Affinity{Cookie: "a", Path: "/b"}, Affinity{Cookie: "a", Domain: "d"},
		Affinity{Cookie: "a", MaxAge: "1"}, Affinity{Cookie: "a", Expires: 1}, Affinity{Cookie: "a", SameSite: "Lax"},
		Affinity{Cookie: "a", CompatibleNone: true}, Affinity{Cookie: "a", Secure: true}, Affinity{Cookie: "a", MainOnly: true},
		Affinity{Cookie: "a", Stay: true},
	}
	for i, a := range all {
		for j, b := range all {
			if a.Equal(b) != (i == j) || (a.Text() == b.Text()) != (i == j) {
				t.Errorf("%q and %q: equal is %t", a.Text(), b.Text(), a.Equal(b))
			}
		}
	}
}

func TestLinesCannotBeBroken(t *testing.T) {
	r := new(Request)
	r.AddRequestHeader("X-A", "a\r\nX-B: b\x00\t\x7f")
	r.AddReplyHeader("X-C", "c\nd")
	if got, want := string(r.RequestLines)+string(r.ReplyLines), "X-A: a  X-B: b \t \r\nX-C: c d\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReset(t *testing.T) {
	r := newRequest(t, "/", "h")
	r.AddRequestHeader("A", "b")
	r.AddReplyHeader("A", "b")
	r.Session = "s"
	r.Reset()
	if len(r.Host)+len(r.Path)+len(r.Decoded)+len(r.RequestLines)+len(r.ReplyLines)+len(r.Session)+len(r.Scheme) > 0 || r.Message != nil {
		t.Errorf("something is left: %+v", r)
	}
	if r.HTTPPort != 80 || r.HTTPSPort != 443 {
		t.Error("the ports are forgotten")
	}
}

func five(t testing.TB) Chain {
	return compile(t, RedirectToHTTPS{}, BodySize{1 << 20}, Timeouts{Response: time.Minute}, Affinity{Cookie: "c"}, HSTS{Value: "max-age=31536000"})
}

func TestChainAllocatesNothing(t *testing.T) {
	chain, r, reply := five(t), newRequest(t, "/", "h"), newReply(t, "A: b\r\nStrict-Transport-Security: x\r\n")
	run := func() {
		r.RequestLines, r.ReplyLines, r.Session = r.RequestLines[:0], r.ReplyLines[:0], "token"
		if _, answered := chain.Request(r); answered {
			t.Fatal("answered")
		}
		chain.Reply(r, reply)
	}
	run()
	if allocations := testing.AllocsPerRun(100, run); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}

// BenchmarkChain has five policies and the reply's field lines that two of them set.
func BenchmarkChain(b *testing.B) {
	chain, r := five(b), newRequest(b, "/", "h")
	reply := newReply(b, "Server: a\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nCache-Control: no-store\r\n")
	b.ReportAllocs()
	for b.Loop() {
		r.RequestLines, r.ReplyLines, r.Session = r.RequestLines[:0], r.ReplyLines[:0], "0123456789abcdef0123456789abcdef"
		if _, answered := chain.Request(r); answered {
			b.Fatal("answered")
		}
		chain.Reply(r, reply)
	}
}
