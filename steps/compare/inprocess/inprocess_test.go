package inprocess_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
	"github.com/ingress-testbed/testbed/steps/manifests"
)

func read(t *testing.T, names ...string) *estate.Estate {
	t.Helper()
	set, err := manifests.Read(t.Context(), nil, names...)
	if err != nil {
		t.Fatal(err)
	}
	return estateOf(set)
}

func estateOf(set *manifests.Set) *estate.Estate {
	var objects []runtime.Object
	for _, object := range set.Objects {
		objects = append(objects, object.Typed)
	}
	return estate.New(objects, estate.Options{})
}

func run(t *testing.T, e *estate.Estate, reference, candidate *inprocess.Target) *comparison.Report {
	t.Helper()
	report, err := compare.Run(t.Context(), e, reference, []compare.Target{candidate}, compare.Options{Parallel: 16})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func text(t *testing.T, report *comparison.Report) string {
	t.Helper()
	var text strings.Builder
	if err := report.WriteText(&text, 100); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// A controller doesn't differ from itself, though canaries are drawn at random.
func TestNothingDiffersFromItself(t *testing.T) {
	t.Parallel()
	for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
		report := run(t, read(t, "testdata"), &inprocess.Target{Mode: mode}, &inprocess.Target{Mode: mode})
		if c := report.Candidates[0]; len(c.Findings) > 0 || len(c.Skipped) > 0 || c.Same+c.ByChance != report.Requests || report.Requests < 100 {
			t.Errorf("%s:\n%s", mode, text(t, report))
		}
	}
}

// A difference is described with its request, its effect, both answers and its Ingress.
func TestFindings(t *testing.T) {
	t.Parallel()
	report := run(t, read(t, "testdata/protection.yaml", "testdata/routing.yaml"), &inprocess.Target{Mode: compatibility.IngressNginx}, &inprocess.Target{})
	for _, want := range []comparison.Finding{
		{
			Ingress: "web/shop", Effect: effect.RedirectedDifferently, Host: "shop.example.com", Path: "/Cart/", Request: "GET http://shop.example.com/Cart",
			Curl: "curl -si --path-as-is --connect-to shop.example.com:80:ADDRESS: http://shop.example.com/Cart",
		},
		{
			Ingress: "web/admin", Effect: effect.RedirectedDifferently, Host: "admin.example.com", Path: "/", Request: "GET http://admin.example.com/",
			Curl: "curl -si --path-as-is --connect-to admin.example.com:80:ADDRESS: http://admin.example.com/",
		},
		{
			Ingress: "web/sso", Effect: effect.Headers, Host: "*.apps.example.com", Path: "/private",
			Request: "GET http://one.apps.example.com/privat%65, X-Testbed-Auth: 200",
			Curl:    "curl -si --path-as-is --connect-to one.apps.example.com:80:ADDRESS: -H 'X-Testbed-Auth: 200' http://one.apps.example.com/privat%65",
		},
	} {
		if !slices.ContainsFunc(report.Candidates[0].Findings, func(f comparison.Finding) bool {
			return f.Ingress == want.Ingress && f.Effect == want.Effect && f.Host == want.Host && f.Path == want.Path && f.Request == want.Request &&
				f.Curl == want.Curl && f.Want != f.Got
		}) {
			t.Errorf("not found: %+v", want)
		}
	}
	if t.Failed() {
		t.Log(text(t, report))
	}
}

// A candidate that forgets passwords is found, with the Ingress and the request, and nothing else is reported.
func TestALostPasswordIsFound(t *testing.T) {
	t.Parallel()
	forget := func(table *route.Table) {
		for i := range table.Hosts {
			for k := range table.Hosts[i].Routes {
				r := &table.Hosts[i].Routes[k]
				r.Policies = slices.DeleteFunc(slices.Clone(r.Policies), func(p route.Policy) bool {
					switch p.(type) {
					case access.Basic, access.Any:
						return true
					}
					return false
				})
			}
		}
	}
	report := run(t, read(t, "testdata"), &inprocess.Target{}, &inprocess.Target{Change: forget})
	for _, finding := range report.Candidates[0].Findings {
		if finding.Ingress != "web/admin" || finding.Effect != effect.ProtectionLost && finding.Effect != effect.Headers {
			t.Errorf("%s: %s: %s", finding.Effect, finding.Ingress, finding.Request)
		}
	}
	if report.Gravest() != effect.ProtectionLost {
		t.Errorf("not found:\n%s", text(t, report))
	}
}
