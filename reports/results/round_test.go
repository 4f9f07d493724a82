package results_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/results"
)

func TestRoundsKeepTheNamesOfFiles(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.feature": "a/b.feature", "round 2/a/b.feature": "a/b.feature", "round 2": ".", "round 1/a": "round 1/a",
		"round x/a": "round x/a", ".": ".", "round 2x/a": "round 2x/a", "round 02/a": "round 02/a",
	} {
		if got := results.WithoutRound(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestUnsteady(t *testing.T) {
	run := results.Run{}
	statuses := map[string][]results.Status{
		"always passes": {results.Passed, results.Passed, results.Passed}, "always fails": {results.Failed, results.Failed, results.Failed},
		"sometimes": {results.Passed, results.Failed, results.Passed}, "skipped": {results.Skipped, results.Failed, results.Skipped},
	}
	for round := range 3 {
		feature := results.Feature{URI: "a.feature"}
		if round > 0 {
			feature.URI = fmt.Sprintf("round %d/a.feature", round+1)
		}
		for line, name := range []string{"always passes", "always fails", "sometimes", "skipped"} {
			feature.Scenarios = append(feature.Scenarios, results.Scenario{
				Name: name, Line: line + 1, Steps: []results.Step{{Status: statuses[name][round]}},
			})
		}
		run.Features = append(run.Features, feature)
	}
	want := []string{"a.feature:3 sometimes: failed in 1 of 3 rounds"}
	if diff := cmp.Diff(want, run.Unsteady()); diff != "" {
		t.Error(diff)
	}
}
