package features_test

import (
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
