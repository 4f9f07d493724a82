package features_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// All feature files can be run: they parse, and the vocabulary has all of their steps.
func TestFeatureFilesCanBeRun(t *testing.T) {
	words, err := steps.Suite{}.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suite.NewPlan(suite.Selection{Files: features.Files()}, words)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d scenarios", len(plan.Scenarios))
}

// The list in README.md has every step, and no other.
func TestREADMEListsTheSteps(t *testing.T) {
	words, err := steps.Suite{}.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(readme), "\n## All steps\n")
	if !found {
		t.Fatal("README.md has no section \"All steps\"")
	}
	if want := "\n    " + strings.Join(words.Examples(), "\n    ") + "\n"; list != want {
		t.Errorf("the section \"All steps\" should be:\n%s", want)
	}
}
