package junit_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/junit"
	"github.com/ingress-testbed/testbed/reports/results"
)

func combine(t *testing.T, runs ...junit.Labelled) []byte {
	t.Helper()
	var document bytes.Buffer
	if err := junit.Combine(&document, "Matrix", runs); err != nil {
		t.Fatal(err)
	}
	return document.Bytes()
}

func TestRunsInOneFileAreToldApart(t *testing.T) {
	run := example.Run()
	document := combine(t, junit.Labelled{Label: "embedded 1.34", Run: &run}, junit.Labelled{Label: "kind", Run: &run},
		junit.Labelled{Label: "k3d", Error: "no results.json is there"})
	validate(t, document)
	combined := read(t, document)
	var suites []string
	cases := map[string]bool{}
	for _, suite := range combined.Suites {
		suites = append(suites, fmt.Sprintf("%s %d/%d/%d/%d", suite.Name, suite.Tests, suite.Failures, suite.Errors, suite.Skipped))
		for _, c := range suite.Cases {
			cases[c.Classname+"\x00"+c.Name] = true
		}
	}
	want := []string{
		"embedded 1.34: An ingress in front of three services 4/2/0/0", "embedded 1.34: Hosts and wildcards 5/1/1/1",
		"kind: An ingress in front of three services 4/2/0/0", "kind: Hosts and wildcards 5/1/1/1", "k3d: Test run 1/0/1/0",
	}
	if diff := cmp.Diff(want, suites); diff != "" {
		t.Errorf("suites (-want +got):\n%s", diff)
	}
	if combined.Tests != 19 || combined.Failures != 6 || combined.Errors != 3 || len(cases) != 19 {
		t.Errorf("%d cases, %d failures, %d errors; %d can be told apart", combined.Tests, combined.Failures, combined.Errors, len(cases))
	}
	if got := regexp.MustCompile(`<testsuite [^>]* id="(\d+)"`).FindAllSubmatch(document, -1); len(got) != 5 || string(got[4][1]) != "5" {
		t.Errorf("IDs of suites: %q", got)
	}
	for i, part := range []string{"embedded 1_34.features.walkthroughs.ingress", "expected about 10 %", "features/walkthroughs/ingress.feature:30\n", "--- Routing table ---"} {
		c := combined.Suites[0].Cases[1]
		if text := []string{c.Classname, c.Failure.Message, c.Failure.Body, c.Output}[i]; !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	if got := combined.Suites[4].Cases[0].Error.Message; got != "no results.json is there" {
		t.Errorf("the run without results says %q", got)
	}
}

func TestARunThatEndedEarlySaysSoInTheCombinedFile(t *testing.T) {
	run := example.Run()
	run.Error = "interrupted"
	combined := read(t, combine(t, junit.Labelled{Label: "a", Run: &run}))
	if got := combined.Suites[0]; got.Name != "a: Test run" || got.Cases[0].Error == nil || got.Cases[0].Error.Message != "interrupted" {
		t.Errorf("first suite %+v", got)
	}
}

func TestAllFailuresOfAScenarioAreInItsBody(t *testing.T) {
	run := results.Run{Features: []results.Feature{{URI: "f.feature", Scenarios: []results.Scenario{{
		Name: "s", Line: 3, Error: "the namespace stays",
		Steps: []results.Step{
			{Keyword: "Then", Text: "a", Line: 4, Status: results.Failed, Failure: &results.Failure{Message: "first", Expected: "1", Seen: "2"}},
			{Keyword: "And", Text: "b", Line: 5, Status: results.Failed, Failure: &results.Failure{Message: "second"}},
		},
	}}}}}
	document := write(t, run)
	validate(t, document)
	failure := read(t, document).Suites[0].Cases[0].Failure
	want := "Then a\nf.feature:4\n\nfirst\n\nAnd b\nf.feature:5\n\nsecond\n\nthe namespace stays\nf.feature:3\n"
	if failure.Message != "expected 1, seen 2" || failure.Body != want {
		t.Errorf("message %q, body %q", failure.Message, failure.Body)
	}
}

func TestGolden(t *testing.T) {
	golden.Compare(t, "testdata/junit.xml", string(write(t, example.Run())))
	run := example.Run()
	golden.Compare(t, "testdata/combined.xml", string(combine(t,
		junit.Labelled{Label: "embedded", Run: &run}, junit.Labelled{Label: "kind", Error: "no results.json is there"})))
}
