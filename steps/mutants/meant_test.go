package mutants

import (
	"path"
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/proxy/mutant"
	"github.com/ingress-testbed/testbed/steps/inprocess"
)

// A pattern that matches no scenario is a mistake, or of one that is gone.
func TestEachPatternMatchesAScenario(t *testing.T) {
	scenarios, err := inprocess.Scenarios(features.Files(), "", "conformance")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutant.All() {
		if len(meant(m.Subject)) == 0 {
			t.Errorf("no scenario is about %s", m.Subject)
		}
		for _, pattern := range slices.Concat(meant(m.Subject), needed(m.Subject)) {
			if _, err := path.Match(pattern, ""); err != nil {
				t.Errorf("%s: %q: %v", m.Subject, pattern, err)
			}
			if !slices.ContainsFunc(scenarios, func(s inprocess.Scenario) bool { return matches([]string{pattern}, s) }) {
				t.Errorf("%s: no scenario matches %q", m.Subject, pattern)
			}
		}
	}
}
