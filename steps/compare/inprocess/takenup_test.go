package inprocess_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
)

// An Ingress that a candidate serves nothing for is named as one that was never taken up, and no other is, although other requests of
// other Ingresses are answered differently, too.
func TestAnIngressIsNeverTakenUp(t *testing.T) {
	t.Parallel()
	const lost, changed = "web/admin", "web/shop"
	without := func(table *route.Table) {
		for i := range table.Hosts {
			host := &table.Hosts[i]
			host.Routes = slices.DeleteFunc(slices.Clone(host.Routes), func(r route.Route) bool { return explain.Source(r.Source) == lost })
			for k := range host.Routes {
				if explain.Source(host.Routes[k].Source) == changed {
					host.Routes[k].Policies = nil
				}
			}
		}
		table.Hosts = slices.DeleteFunc(table.Hosts, func(h route.Host) bool { return len(h.Routes) == 0 })
	}
	report := run(t, read(t, "testdata/protection.yaml", "testdata/routing.yaml"), &inprocess.Target{}, &inprocess.Target{Change: without})
	candidate := report.Candidates[0]
	if len(candidate.Refused) != 1 || candidate.Refused[0].Ingress != lost || !strings.Contains(candidate.Refused[0].Reason, "as those for a host that no Ingress has") {
		t.Errorf("%+v", candidate.Refused)
	}
	for _, ingress := range []string{lost, changed} {
		if !slices.ContainsFunc(candidate.Findings, func(f comparison.Finding) bool { return f.Ingress == ingress }) {
			t.Errorf("no finding about %s", ingress)
		}
	}
	// A changed table can't be explained, and what the reference does can.
	for _, f := range candidate.Findings {
		if strings.HasPrefix(f.Rules[0], "message: ") { // some are no URLs
			continue
		}
		if f.Explanation != "" || !strings.Contains(f.ReferenceExplanation, "in ingress-nginx ") {
			t.Errorf("%s: %q, and the reference: %q", f.Request, f.Explanation, f.ReferenceExplanation)
		}
	}
	if shown := text(t, report); !strings.HasPrefix(shown[strings.Index(shown, "\n\n")+2:], "NEVER TAKEN UP: "+lost+"\n") {
		t.Errorf("not at the top:\n%s", shown)
	}
}
