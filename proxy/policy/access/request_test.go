package access

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// newRequest parses a request of 192.0.2.1 for http://shop.example:8080.
func newRequest(t testing.TB, target string, fields ...string) *policy.Request {
	t.Helper()
	text := "GET " + target + " HTTP/1.1\r\nHost: Shop.example:8080\r\n"
	for _, field := range fields {
		text += field + "\r\n"
	}
	m := new(message.Request)
	if err := m.Parse([]byte(text+"\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	return &policy.Request{
		Message: m, Host: []byte("shop.example"), Path: slices.Clone(m.Path), Scheme: "http", ID: []byte("id"),
		Client: netip.MustParseAddr("192.0.2.1"), Context: t.Context(),
	}
}

func compile(t testing.TB, policies ...route.Policy) policy.Chain {
	t.Helper()
	chain, err := policy.Compile(policies, new(policy.States))
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// answer is the status of what a chain answers; 0 is that it lets the request pass.
func answer(chain policy.Chain, r *policy.Request) int {
	reply, _ := chain.Request(r)
	return reply.Status
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func newReply(t testing.TB, status int) *message.Response {
	t.Helper()
	reply := new(message.Response)
	if err := reply.Parse(fmt.Appendf(nil, "HTTP/1.1 %d X\r\n\r\n", status), 100); err != nil {
		t.Fatal(err)
	}
	return reply
}

// TestEqualAndText changes each field of each policy.
func TestEqualAndText(t *testing.T) {
	external := func(change func(*External)) External {
		p := External{Upstream: "u"}
		change(&p)
		return p
	}
	certificate := func(change func(*ClientCertificate)) ClientCertificate {
		var p ClientCertificate
		change(&p)
		return p
	}
	all := []policy.Policy{
		Addresses{Allow: prefixes("10.0.0.0/8")}, Addresses{Deny: prefixes("10.0.0.0/8")}, Addresses{Allow: prefixes("11.0.0.0/8")},
		Block{Networks: prefixes("10.0.0.0/8")}, Block{UserAgents: []string{"a"}}, Block{Referers: []string{"a"}},
		Basic{Realm: "a"}, Basic{Origin: "a"}, Basic{Users: Users{"a": "b"}}, Basic{Users: Users{"a": "c"}},
		Any{Of: []policy.Policy{Basic{Realm: "a"}}}, Any{Of: []policy.Policy{Basic{Realm: "a"}, Basic{Realm: "b"}}},
		external(func(*External) {}),
		external(func(p *External) { p.Upstream = "v" }),
		external(func(p *External) { p.Host = "a" }),
		external(func(p *External) { p.Path = "/a" }),
		external(func(p *External) { p.Method = "POST" }),
		external(func(p *External) { p.SetHeaders = []Header{{"a", "b"}} }),
		external(func(p *External) { p.RequestRedirect = "a" }),
		external(func(p *External) { p.ReplyHeaders = []string{"a"} }),
		external(func(p *External) { p.SignIn = "a" }),
		external(func(p *External) { p.CacheKey = "a" }),
		external(func(p *External) { p.Cache = []CacheTime{{200, 1}} }),
		external(func(p *External) { p.AlwaysSetCookie = true }),
		external(func(p *External) { p.Connect = 1 }),
		external(func(p *External) { p.Response = 1 }),
		certificate(func(*ClientCertificate) {}),
		certificate(func(p *ClientCertificate) { p.Verify = Optional }),
		certificate(func(p *ClientCertificate) { p.Verify = OptionalAnyCA }),
		certificate(func(p *ClientCertificate) { p.RootsPEM = []byte("a") }),
		certificate(func(p *ClientCertificate) { p.CRLPEM = []byte("a") }),
		certificate(func(p *ClientCertificate) { p.Origin = "a" }),
		certificate(func(p *ClientCertificate) { p.Depth = 1 }),
		certificate(func(p *ClientCertificate) { p.Subject = "a" }),
		certificate(func(p *ClientCertificate) { p.ErrorPage = "a" }),
		certificate(func(p *ClientCertificate) { p.PassCertificate = true }),
	}
	for i, a := range all {
		for j, b := range all {
			if a.Equal(b) != (i == j) || (a.Text() == b.Text()) != (i == j) {
				t.Errorf("%q and %q: equal is %t", a.Text(), b.Text(), a.Equal(b))
			}
		}
	}
}
