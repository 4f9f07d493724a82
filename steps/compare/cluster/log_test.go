package cluster

import "testing"

func TestLinesAbout(t *testing.T) {
	t.Parallel()
	const log = `2026-01-02T03:04:05Z ERR Error getting service ingress=shop namespace=compare-abcde-web
2026-01-02T03:04:07Z ERR Error getting service ingress=shop namespace=compare-abcde-web
2026-01-02T03:04:07Z ERR another Ingress ingress=shop-canary namespace=compare-abcde-web
2026-01-02T03:04:07Z ERR another namespace ingress=shop namespace=web
{"level":"error","ingress":"compare-abcde-web/shop","error":"no such Service"}
`
	const want = `2026-01-02T03:04:05Z ERR Error getting service ingress=shop namespace=web
{"level":"error","ingress":"web/shop","error":"no such Service"}`
	if got := linesAbout(log, "compare-abcde-", "web/shop"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := linesAbout(log, "compare-abcde-", "web/cart"); got != "" {
		t.Errorf("lines about an Ingress that isn't named: %s", got)
	}
}
