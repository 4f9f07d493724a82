package suite

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/definitions"
)

func TestRepeat(t *testing.T) {
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"a/one.feature": {Data: []byte("Feature: A\n  Scenario: one\n    Given an ingress controller\n" +
		"  Scenario: two\n    Given an ingress controller\n")}}
	for paths, want := range map[string][]string{
		"":                {"a/one.feature", "a/one.feature", "round 2/a/one.feature", "round 2/a/one.feature", "round 3/a/one.feature", "round 3/a/one.feature"},
		"a/one.feature:4": {"a/one.feature:4", "round 2/a/one.feature:4", "round 3/a/one.feature:4"},
	} {
		selection := Selection{Files: files, Repeat: 3}
		if paths != "" {
			selection.Paths = []string{paths}
		}
		plan, err := NewPlan(selection, known)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, pickle := range plan.Scenarios {
			got = append(got, pickle.Uri)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", paths, diff)
		}
	}
	for _, times := range []int{-1, 101} {
		if _, err := NewPlan(Selection{Files: files, Repeat: times}, known); err == nil {
			t.Errorf("%d rounds are taken", times)
		}
	}
}

func TestRoundsKeepTheNamesOfFiles(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.feature": "a/b.feature", "round 2/a/b.feature": "a/b.feature", "round 2": ".", "round 1/a": "round 1/a",
		"round x/a": "round x/a", ".": ".", "round 2x/a": "round 2x/a", "round 02/a": "round 02/a",
	} {
		if got := withoutRound(name); got != want {
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
	if diff := cmp.Diff(want, Unsteady(run)); diff != "" {
		t.Error(diff)
	}
}
