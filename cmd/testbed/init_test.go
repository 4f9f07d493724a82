package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/fixtures/starter"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// The privileged test runs the feature file; this one finds steps that don't exist any more.
func TestInitWritesFeatureWithKnownSteps(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "mine")
	code, printed := program(t, "init", folder)
	if code != 0 || !strings.Contains(printed, "run "+filepath.Join(folder, "features")) {
		t.Errorf("ended with %d and printed:\n%s", code, printed)
	}
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suite.NewPlan(suite.Selection{Files: os.DirFS(folder), Paths: []string{"features"}}, known)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Scenarios) == 0 {
		t.Error("no scenarios")
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	folder := t.TempDir()
	feature := filepath.Join(folder, starter.Feature)
	if code, printed := program(t, "init", folder); code != 0 {
		t.Fatalf("ended with %d and printed:\n%s", code, printed)
	}
	if err := os.WriteFile(feature, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, printed := program(t, "init", folder)
	if code != 2 || !strings.Contains(printed, starter.Feature) {
		t.Errorf("ended with %d and printed:\n%s", code, printed)
	}
	if content, err := os.ReadFile(feature); err != nil || string(content) != "mine" {
		t.Errorf("the feature file is now %q, error %v", content, err)
	}
}
