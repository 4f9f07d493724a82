package definitions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/subject"
)

const anIngress = `
  Scenario: %[1]s
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: %[1]s}
      """
    When the client requests "http://paths.test:30080/"
    Then the response status is 200
`

// A route works without an address in the Ingress's status. If the controller publishes none, only the first wait is long.
func TestIngressesWithoutAnAddress(t *testing.T) {
	// With the default limits, the test would time out.
	patience := subject.WaitPolicy{First: 300 * time.Millisecond, Next: 200 * time.Millisecond, Settle: 100 * time.Millisecond}
	for _, test := range []struct {
		name      string
		ingresses []string // those with "none" in their names get no address
		notes     []string // of each scenario
		findings  []string
	}{
		{"every address is published", []string{"a", "b"}, []string{"", ""}, nil},
		{
			"none is published", []string{"none-a", "none-b", "none-c"},
			[]string{"within 300ms", "within 100ms", "within 100ms"},
			[]string{"none-a within 300ms; later Ingresses were assumed to be served after 100ms"},
		},
		{
			"the first comes late", []string{"none-a", "b", "none-c"}, []string{"within 300ms", "", "within 200ms"},
			[]string{"none-a within 300ms", "none-c within 200ms, although it did for others"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLoopback(t, proxytest.Mutation{})
			l.admitted = func(name string) bool { return !strings.Contains(name, "none") }
			environment := l.environment(t)
			environment.WaitPolicy = patience
			feature := preamble
			for _, name := range test.ingresses {
				feature += fmt.Sprintf(anIngress, name)
			}
			recorded, run := runFeatureIn(t.Context(), t, environment, feature)
			for i, scenario := range recorded.Features[0].Scenarios {
				if scenario.Status() != results.Passed {
					t.Errorf("%s: %s: %+v", scenario.Name, scenario.Status(), scenario.FailedStep())
				}
				if note := noteOf(scenario); (note == "") != (test.notes[i] == "") || !strings.Contains(note, test.notes[i]) {
					t.Errorf("%s: the note is %q, want %q", scenario.Name, note, test.notes[i])
				}
			}
			findings := run.Findings()
			if !slices.EqualFunc(findings, test.findings, strings.Contains) {
				t.Errorf("findings are %q, want %q", findings, test.findings)
			}
		})
	}
}

func noteOf(scenario results.Scenario) string {
	for _, step := range scenario.Steps {
		for _, shown := range step.Evidence {
			if text, ok := shown.(evidence.Text); ok && text.Title == "Ingress status" {
				return text.Body
			}
		}
	}
	return ""
}

// An Ingress without an address doesn't use up the time of another.
func TestIngressesAreWaitedForConcurrently(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	l.admitted = func(name string) bool { return name == "second" }
	environment := l.environment(t)
	environment.WaitPolicy = subject.WaitPolicy{First: 200 * time.Millisecond}
	recorded, run := runFeatureIn(t.Context(), t, environment, preamble+`
  Scenario: two
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: first}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: second}
      """
`)
	if note := noteOf(recorded.Features[0].Scenarios[0]); !strings.Contains(note, "Ingress default/first within") {
		t.Errorf("the note is %q", note)
	}
	if findings := run.Findings(); len(findings) > 0 {
		t.Errorf("found %q of a controller that writes addresses", findings)
	}
}
