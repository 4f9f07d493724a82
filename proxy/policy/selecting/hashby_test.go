package selecting_test

import (
	"testing"

	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
)

func TestHashBy(t *testing.T) {
	chain := policytest.Compile(t, selecting.HashBy{Key: "$request_uri of $host", Subset: 3})
	r := policytest.Request(t, "GET /a?b HTTP/1.1\r\nHost: h")
	if got := string(chain.Settings.HashKey.Append(nil, r)); got != "/a?b of h" || chain.Settings.HashSubset != 3 {
		t.Errorf("got %q, %d", got, chain.Settings.HashSubset)
	}
	policytest.Distinct(t, selecting.HashBy{}, selecting.HashBy{Key: "a"}, selecting.HashBy{Subset: 1})
}
