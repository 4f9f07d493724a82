package inprocess_test

import (
	"bytes"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/fixtures/estates"
	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
	"github.com/ingress-testbed/testbed/steps/manifests"
)

// withDifferences are the Ingresses of estates.Differences and the settings of their controller, some of which are replaced.
func withDifferences(t *testing.T, settings map[string]string) *estate.Estate {
	t.Helper()
	set, err := manifests.Read(t.Context(), bytes.NewReader(estates.Differences()), manifests.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for _, object := range set.Objects {
		objects = append(objects, object.Typed)
	}
	e := estate.New(objects, estate.Options{Settings: types.NamespacedName{Namespace: "ingress-nginx", Name: "ingress-nginx-controller"}})
	for name, value := range settings {
		e.Settings.Data[name] = value
	}
	return e
}

// The modes differ in exactly the rows of docs/compatibility.md: each difference that is found comes from one row, and each row is found
// but for those of compatibility.Uncompared.
func TestTheModesDifferInTheRows(t *testing.T) {
	if testing.Short() || racedetector.On {
		t.Skip("thousands of requests are compared: make test does it without the race detector")
	}
	t.Parallel()
	trusted := map[string]string{"proxy-real-ip-cidr": "127.0.0.0/8"}
	found := make([]map[string]bool, 3)
	t.Run("estates", func(t *testing.T) {
		for i, e := range []*estate.Estate{company(t, oneOfEach), withDifferences(t, nil), withDifferences(t, trusted)} {
			t.Run([]string{"company", "differences", "trusted clients"}[i], func(t *testing.T) {
				t.Parallel()
				report, err := compare.Run(t.Context(), e, &inprocess.Target{Mode: compatibility.IngressNginx}, []compare.Target{&inprocess.Target{}},
					compare.Options{Parallel: 16, Causes: inprocess.Causes()})
				if err != nil {
					t.Fatal(err)
				}
				found[i] = rowsOf(t, &report.Candidates[0])
			})
		}
	})
	for _, row := range compatibility.Rows() {
		shown := slices.ContainsFunc(found, func(rows map[string]bool) bool { return rows[string(row.Difference)] })
		switch reason, uncompared := compatibility.Uncompared()[row.Difference]; {
		case !shown && !uncompared:
			t.Errorf("no finding comes from %s", row.Difference)
		case shown && uncompared:
			t.Errorf("a finding comes from %s, against the reason why none can: %s", row.Difference, reason)
		}
	}
}

// rowsOf are the rows that findings come from. Each of their differences has to come from one.
func rowsOf(t *testing.T, candidate *comparison.Candidate) map[string]bool {
	t.Helper()
	rows := map[string]bool{}
	for _, finding := range candidate.Findings {
		for _, difference := range finding.Differences {
			if len(difference.Causes) != 1 {
				t.Errorf("%s %s: %s %q instead of %q comes from %v", finding.Ingress, finding.Request, difference.What, difference.Got, difference.Want, difference.Causes)
			}
			for _, cause := range difference.Causes {
				rows[cause] = true
			}
		}
	}
	for _, unjudged := range candidate.Unjudged {
		t.Errorf("%s: %s", unjudged.Request, unjudged.Reason)
	}
	return rows
}
