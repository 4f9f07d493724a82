package features_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/reports/profiles"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/suite"
	"github.com/ingress-testbed/testbed/steps/world"
)

// All feature files can be parsed, and the vocabulary has all of their steps.
func TestFeatureFilesCanBeRun(t *testing.T) {
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suite.NewPlan(suite.Selection{Files: features.Files()}, known)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d scenarios", len(plan.Scenarios))
}

// A failure of a conformance scenario says whose rule the controller breaks.
func TestScenariosSayWhoseRuleTheyCheck(t *testing.T) {
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suite.NewPlan(suite.Selection{Files: features.Files(), Paths: []string{"conformance"}}, known)
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range plan.Scenarios {
		var tags []string
		for _, tag := range scenario.Tags {
			tags = append(tags, tag.Name)
		}
		if !profiles.Tagged(tags) {
			t.Errorf("%s: the scenario %q has no tag of a profile; package reports/profiles lists them", scenario.Uri, scenario.Name)
		}
	}
}

// A failure of a scenario about what keeps clients out may be a loss of protection.
func TestScenariosSayWhatProtects(t *testing.T) {
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suite.NewPlan(suite.Selection{Files: features.Files()}, known)
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range plan.Scenarios {
		for _, tag := range scenario.Tags {
			name, annotated := strings.CutPrefix(tag.Name, "@annotation:")
			found := setting.Annotations().Lookup(name)
			if annotated && found != nil && found.Decision.Protects && !world.Protects(scenario) {
				t.Errorf("%s: give the scenario %q the tag %s, because %s keeps clients out", scenario.Uri, scenario.Name, world.ProtectionTag, name)
			}
		}
	}
}

// A default backend gets requests for the hosts of other scenarios, too, which expect 404.
func TestScenariosWithADefaultBackendHaveTheirOwnController(t *testing.T) {
	known, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suite.NewPlan(suite.Selection{Files: features.Files()}, known)
	if err != nil {
		t.Fatal(err)
	}
	for i, scenario := range plan.Scenarios {
		for _, step := range scenario.Steps {
			if step.Argument != nil && step.Argument.DocString != nil && strings.Contains(step.Argument.DocString.Content, "defaultBackend:") && !plan.Claims[i].Sole {
				t.Errorf("%s: give the scenario %q the tag %s", scenario.Uri, scenario.Name, world.OwnControllerTag)
			}
		}
	}
}

// README.md lists every step and no other.
func TestREADMEListsTheSteps(t *testing.T) {
	known, err := definitions.Vocabulary()
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
	if want := "\n    " + strings.Join(known.Examples(), "\n    ") + "\n"; list != want {
		t.Errorf("the section \"All steps\" should be:\n%s", want)
	}
}

// On a shared cluster, the controller's IngressClass has another name.
func TestIngressesUseThePlaceholderOfTheClass(t *testing.T) {
	err := fs.WalkDir(features.Files(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(features.Files(), path)
		if err != nil {
			return err
		}
		for number, line := range strings.Split(string(content), "\n") {
			name, found := strings.CutPrefix(strings.TrimSpace(line), "ingressClassName:")
			if found && strings.TrimSpace(name) == "nginx" {
				t.Errorf("%s:%d: use ${ingress class} instead of nginx", path, number+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A mutant is a patch of the controller, with the scenarios that fail when it is applied. Each scenario fails with one.
func TestMutantsApply(t *testing.T) {
	missing := resilienceScenarios(t)
	patches, err := filepath.Glob("resilience/mutants/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("there are no mutants: %v", err)
	}
	for _, path := range patches {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for line := range strings.Lines(string(content)) {
			fails, found := strings.CutPrefix(line, "Fails: ")
			if !found {
				continue
			}
			named++
			scenario := strings.TrimSpace(fails)
			if _, exists := missing[scenario]; !exists {
				t.Errorf("%s: there is no scenario %q", path, scenario)
			}
			missing[scenario] = false
		}
		if named == 0 {
			t.Errorf("%s names no scenario", path)
		}
		check := exec.CommandContext(t.Context(), "git", "apply", "--check", "features/"+path)
		check.Dir = ".."
		if output, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s doesn't apply: %v\n%s", path, err, output)
		}
	}
	for scenario, without := range missing {
		if without {
			t.Errorf("no mutant makes the scenario %q fail", scenario)
		}
	}
}

// resilienceScenarios returns the scenarios of features/resilience as "FILE: NAME", each with the value true.
func resilienceScenarios(t *testing.T) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob("resilience/*.feature")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no features: %v", err)
	}
	scenarios := map[string]bool{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if name, found := strings.CutPrefix(strings.TrimSpace(line), "Scenario: "); found {
				scenarios[filepath.Base(path)+": "+name] = true
			}
		}
	}
	return scenarios
}
