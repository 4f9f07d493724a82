package suite

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

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
