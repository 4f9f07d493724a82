package mutant_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/mutant"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/redirecting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// inverted returns a policy as the mutant of its type has it.
func inverted(t *testing.T, subject string, p route.Policy) route.Policy {
	t.Helper()
	all := mutant.All()
	at := slices.IndexFunc(all, func(m mutant.Mutant) bool { return m.Subject == subject && m.Fault == mutant.Inverted })
	if at < 0 {
		t.Fatalf("%s has no inverted mutant", subject)
	}
	return all[at].Apply(&route.Table{Unrouted: []route.Policy{p}}).Unrouted[0]
}

// Who may come in is refused, and who may not comes in, without what the policy would have answered.
func TestNegated(t *testing.T) {
	t.Parallel()
	client := netip.MustParsePrefix("192.0.2.0/24") // of policytest.Request
	elsewhere := netip.MustParsePrefix("198.51.100.0/24")
	for name, c := range map[string]struct {
		subject  string
		policy   policy.Policy
		target   string
		answered bool
	}{
		"allowed":           {"access.Addresses", access.Addresses{Allow: []netip.Prefix{client}}, "/", true},
		"not allowed":       {"access.Addresses", access.Addresses{Allow: []netip.Prefix{elsewhere}}, "/", false},
		"any, of none":      {"access.Any", access.Any{Of: []policy.Policy{access.Addresses{Allow: []netip.Prefix{elsewhere}}}}, "/", false},
		"a redirect":        {"redirecting.Root", redirecting.Root{Path: "/start"}, "/", false},
		"another's address": {"redirecting.Root", redirecting.Root{Path: "/start"}, "/other", true},
	} {
		chain := policytest.Compile(t, inverted(t, c.subject, c.policy))
		request := policytest.Request(t, "GET "+c.target+" HTTP/1.1\r\nHost: h")
		reply, answered := chain.Request(request)
		if answered != c.answered || answered && reply.Status != 403 || len(request.ReplyLines) > 0 {
			t.Errorf("%s: answered %t with %v and %q", name, answered, reply, request.ReplyLines)
		}
	}
}

func TestNegatedEquals(t *testing.T) {
	t.Parallel()
	one, two := inverted(t, "access.Basic", access.Basic{Realm: "a"}), inverted(t, "access.Basic", access.Basic{Realm: "b"})
	policytest.Distinct(t, one, two, access.Basic{Realm: "a"})
	if !one.Equal(inverted(t, "access.Basic", access.Basic{Realm: "a"})) || !strings.HasPrefix(one.Text(), "not (") {
		t.Errorf("%s is not itself", one.Text())
	}
}
