package world

import "testing"

func TestFailuresOfTwoRunsHaveOneText(t *testing.T) {
	for name, texts := range map[string][2]string{
		"names of the scenario": {
			"GET http://a.scenario-abcd2345.test/x in scenario-abcd2345", "GET http://a.scenario-wxyz7654.test/x in scenario-wxyz7654",
		},
		"Pods":        {"from shop-5b8b86dff5-5stvf, then shop-5b8b86dff5-bxc9k", "from shop-7c68d6f654-brpgm, then shop-7c68d6f654-z2d4f"},
		"addresses":   {"expected 172.16.0.9:8080, seen 10.10.200.211", "expected 10.0.0.1:32080, seen 10.244.1.1"},
		"identifiers": {"x-request-id=0123456789abcdef0123456789abcdef", "x-request-id=aaaaaaaaaaaaaaaa0000000000000000"},
		"shared":      {"no Pod in shared-abcdefgh", "no Pod in shared-234567zz"},
	} {
		one := portable(texts[0], &Namespace{Name: "scenario-abcd2345", Domain: "scenario-abcd2345.test"})
		two := portable(texts[1], &Namespace{Name: "scenario-wxyz7654", Domain: "scenario-wxyz7654.test"})
		if one != two || one == texts[0] {
			t.Errorf("%s: %q and %q", name, one, two)
		}
	}
	for _, text := range []string{"status 404, seen 503 Service Unavailable", "version 1.13.0", "TLS 1.2", "server_version=shop-v1"} {
		if got := portable(text, &Namespace{Name: "scenario-a", Domain: "scenario-a.test"}); got != text {
			t.Errorf("%q has become %q", text, got)
		}
	}
}
