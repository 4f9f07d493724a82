package profiles_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports/profiles"
	"github.com/ingress-testbed/testbed/reports/results"
)

func scenario(name string, status results.Status, tags ...string) results.Scenario {
	return results.Scenario{
		Name: name, Line: 7, Tags: tags, Started: time.Unix(1, 0), Steps: []results.Step{{Text: "a step", Status: status}},
	}
}

func run() *results.Run {
	return &results.Run{
		Started: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC),
		Environment: []results.Property{
			{Name: profiles.ControllerProperty, Value: "traefik:v3.7"}, {Name: profiles.VersionProperty, Value: "v3.7"}, {Name: profiles.KubernetesProperty, Value: "v1.37.2"},
			{Name: profiles.ClusterProperty, Value: "embedded"}, {Name: profiles.CommandProperty, Value: "testbed run --tags @ingress-v1"},
		},
		Features: []results.Feature{
			{URI: "paths.feature", Tags: []string{"@ingress-v1"}, Scenarios: []results.Scenario{
				scenario("exact", results.Passed), scenario("prefix", results.Failed),
				scenario("who wins", results.Skipped, "@ingress-nginx"),
				scenario("own way", results.Passed, "@own", "@annotation:use-regex"),
			}},
			{URI: "annotations.feature", Tags: []string{"@ingress-nginx"}, Scenarios: []results.Scenario{
				scenario("rewriting", results.Passed, "@annotation:rewrite-target", "@annotation:use-regex"),
				scenario("regex", results.Undefined, "@annotation:use-regex"),
				scenario("mirror", results.Skipped, "@annotation:mirror-target"),
				scenario("interrupted", results.NotRun, "@annotation:satisfy"),
			}},
			{URI: "services.feature", Tags: []string{"@kubernetes"}, Scenarios: []results.Scenario{scenario("balancer", results.Passed)}},
			{URI: "story.feature", Tags: []string{"@walkthrough"}, Scenarios: []results.Scenario{scenario("story", results.Failed)}},
		},
	}
}

func TestScenariosCountForTheirProfile(t *testing.T) {
	outcomes := map[string]results.Status{}
	for _, profile := range profiles.Of(run()) {
		outcomes[string(profile.Name)] = profile.Core.Outcome()
		for _, feature := range profile.Features {
			outcomes[string(profile.Name)+" "+feature.Name] = feature.Outcome()
		}
	}
	want := map[string]results.Status{
		"ingress-v1": results.Failed, "ingress-nginx": results.Skipped, "kubernetes": results.Passed, "own": results.Passed,
		"ingress-nginx rewrite-target": results.Passed, "ingress-nginx use-regex": results.Failed,
		"ingress-nginx mirror-target": results.Skipped, "ingress-nginx satisfy": results.NotRun,
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestWrite(t *testing.T) {
	var out bytes.Buffer
	if err := profiles.Write(&out, run()); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/conformance.yaml", out.String())
}

// A scenario that passes in one round and fails in another counts once, as failed.
func TestRepeatedScenariosCountOnce(t *testing.T) {
	round := func(uri string, chance results.Status) results.Feature {
		return results.Feature{URI: uri, Tags: []string{"@ingress-v1"}, Scenarios: []results.Scenario{
			scenario("steady", results.Passed), scenario("chance", chance),
		}}
	}
	repeated := &results.Run{Features: []results.Feature{
		round("paths.feature", results.Passed), round("round 2/paths.feature", results.Failed), round("round 3/paths.feature", results.Passed),
	}}
	want := []profiles.Profile{{Name: profiles.IngressV1, Core: profiles.Group{
		Counts: results.Counts{Total: 2, Passed: 1, Failed: 1},
		Failed: []string{"paths.feature:7 chance"}, Unsteady: []string{"paths.feature:7 chance"},
	}}}
	if diff := cmp.Diff(want, profiles.Of(repeated)); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := profiles.Write(&out, repeated); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "unsteadyTests:\n    - paths.feature:7 chance\n") || !strings.Contains(out.String(), "summary: 'Core: 1 of 2 scenarios passed.'") {
		t.Errorf("the report is\n%s", out.String())
	}
}

func TestARunWithoutProfiles(t *testing.T) {
	if got := profiles.Of(&results.Run{Features: run().Features[3:]}); len(got) != 0 {
		t.Errorf("a walkthrough counts for %+v", got)
	}
}
