package access

import (
	"net/netip"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name        string
		deny, allow []netip.Prefix
		client      string
		want        int
	}{
		{"allowed", nil, prefixes("10.0.0.0/8", "192.0.2.1/32"), "192.0.2.1", 0},
		{"not allowed", nil, prefixes("10.0.0.0/8", "192.0.2.1/32"), "192.0.2.2", 403},
		{"denied", prefixes("192.0.2.0/24"), nil, "192.0.2.9", 403},
		{"not denied", prefixes("192.0.2.0/24"), nil, "192.0.3.1", 0},
		{"denied and allowed", prefixes("192.0.2.0/24"), prefixes("192.0.0.0/16"), "192.0.2.1", 403},
		{"allowed and not denied", prefixes("192.0.2.0/24"), prefixes("192.0.0.0/16"), "192.0.3.1", 0},
		{"IPv6", nil, prefixes("2001:db8::/32"), "2001:db8::1", 0},
		{"other IPv6", nil, prefixes("2001:db8::/32"), "2001:db9::1", 403},
		{"all IPv4 is no IPv6", nil, prefixes("0.0.0.0/0"), "2001:db8::1", 403},
		{"IPv4 in IPv6", nil, prefixes("192.0.2.0/24"), "::ffff:192.0.2.1", 0},
		{"a zone", nil, prefixes("fe80::/10"), "fe80::1%eth0", 0},
		{"a prefix that is not masked", nil, prefixes("192.0.2.77/24"), "192.0.2.1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequest(t, "/")
			r.Client = netip.MustParseAddr(c.client)
			if got := answer(compile(t, Addresses{Deny: c.deny, Allow: c.allow}), r); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestAClientWithoutAnAddressIsNotAllowed(t *testing.T) {
	r := newRequest(t, "/")
	r.Client = netip.Addr{}
	if got := answer(compile(t, Addresses{Allow: prefixes("0.0.0.0/0", "::/0")}), r); got != 403 {
		t.Errorf("got %d", got)
	}
}

func TestBlock(t *testing.T) {
	block := Block{
		Networks: prefixes("10.0.0.0/8"), UserAgents: []string{"Bad Agent", "~^curl/", "~*spider"}, Referers: []string{"~spam\\.example"},
	}
	chain := compile(t, block)
	for field, want := range map[string]int{
		"User-Agent: bad agent": 403, "User-Agent: bad agents": 0, "User-Agent: curl/8": 403, "User-Agent: CURL/8": 0,
		"User-Agent: a Spider": 403, "Referer: http://spam.example/": 403, "Referer: http://good.example/": 0, "X: curl/": 0,
	} {
		if got := answer(chain, newRequest(t, "/", field)); got != want {
			t.Errorf("%s: got %d, want %d", field, got, want)
		}
	}
	r := newRequest(t, "/")
	r.Client = netip.MustParseAddr("10.1.2.3")
	if got := answer(chain, r); got != 403 {
		t.Errorf("a blocked address: got %d", got)
	}
	if _, err := policy.Compile([]route.Policy{Block{UserAgents: []string{"~("}}}, new(policy.States)); err == nil {
		t.Error("a wrong expression compiles")
	}
}

func TestAny(t *testing.T) {
	chain := compile(t, Any{Of: []policy.Policy{
		Addresses{Allow: prefixes("10.0.0.0/8")}, Basic{Realm: "r", Users: Users{"alice": "{PLAIN}secret"}},
	}})
	for _, c := range []struct {
		client, password string
		want             int
	}{
		{"10.0.0.1", "", 0}, {"10.0.0.1", "wrong", 0}, {"192.0.2.1", "secret", 0}, {"192.0.2.1", "wrong", 401}, {"192.0.2.1", "", 401},
	} {
		r := newRequest(t, "/")
		if c.password != "" {
			r = newRequest(t, "/", basicField("alice", c.password))
		}
		r.Client = netip.MustParseAddr(c.client)
		if got := answer(chain, r); got != c.want {
			t.Errorf("%+v: got %d", c, got)
		}
		const challenge = "WWW-Authenticate: Basic realm=\"r\"\r\n"
		if got := string(r.ReplyLines); (got == challenge) != (c.want == 401) || c.want == 0 && got != "" {
			t.Errorf("%+v: got the lines %q", c, got)
		}
	}
}
