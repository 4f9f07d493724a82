package junit_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/junit"
	"github.com/ingress-testbed/testbed/reports/results"
)

func readBack(t *testing.T, run results.Run) *junit.Report {
	t.Helper()
	report, err := junit.Read(bytes.NewReader(write(t, run)))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// outline is what comparing runs needs of one, a line each.
func outline(run *results.Run) []string {
	lines := []string{fmt.Sprintf("%s, %s, problem %q", run.Title, run.Duration(), run.Problem)}
	for _, fact := range run.Environment {
		lines = append(lines, fact.Name+": "+fact.Value)
	}
	for i := range run.Features {
		feature := &run.Features[i]
		lines = append(lines, feature.Name+" in "+feature.URI)
		for j := range feature.Scenarios {
			s := &feature.Scenarios[j]
			lines = append(lines, fmt.Sprintf("  %s: %s %s %s", s.FullName(), s.Status(), s.Duration, s.SkipReason()))
		}
	}
	return lines
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	ended := example.Run()
	ended.Problem = "interrupted\nfrom the keyboard"
	none := results.Run{Title: "Test run", Problem: "the cluster did not start", Environment: []results.Fact{{Name: "a", Value: "b"}}}
	for name, run := range map[string]results.Run{
		"example": example.Run(), "ended early": ended, "no scenario": none, "empty": {Title: "Test run"},
	} {
		t.Run(name, func(t *testing.T) {
			got := readBack(t, run).Run
			if diff := cmp.Diff(outline(&run), outline(&got)); diff != "" {
				t.Errorf("run (-written +read):\n%s", diff)
			}
			if diff := cmp.Diff(run.Verdict(), got.Verdict()); diff != "" {
				t.Errorf("verdict (-written +read):\n%s", diff)
			}
		})
	}
}

func TestFailuresAreReadWithTheirLine(t *testing.T) {
	run := readBack(t, example.Run()).Run
	var got []string
	for i := range run.Features {
		for j := range run.Features[i].Scenarios {
			if step := run.Features[i].Scenarios[j].FailedStep(); step != nil {
				got = append(got, step.Failure.Message)
			}
		}
	}
	want := []string{
		"expected about 10 % of 1000 requests answered by svc-v2 (63 to 141), seen 187 requests answered by svc-v2",
		"no step definition matches this text",
		"after the scenario: the namespace hosts-4 is still terminating after 30s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestFilesThatAreNoReports(t *testing.T) {
	whole := string(write(t, example.Run()))
	cases := map[string]struct{ document, want string }{
		"empty":             {"", "is empty, or no XML"},
		"only the header":   {`<?xml version="1.0" encoding="UTF-8"?>`, "is empty, or no XML"},
		"cut off":           {whole[:len(whole)/2], "not whole"},
		"last line missing": {strings.TrimSuffix(whole, "</testsuites>\n"), "not whole"},
		"HTML":              {"<html><body>502</body></html>", "no JUnit report"},
		"JSON":              {`{"testsuites": []}`, "is empty, or no XML"},
		"control character": {strings.Replace(whole, "Routing table", "Routing\x00table", 1), "not whole"},
		"not UTF-8":         {strings.Replace(whole, "Routing table", "Routing\xfftable", 1), "not whole"},
		"two documents":     {whole + whole, "after the report there is more"},
		"text after it":     {whole + "<", "after the report there is more"},
		"a case is missing": {strings.Replace(whole, `tests="9"`, `tests="10"`, 1), "claims 10 cases"},
		"no number":         {strings.Replace(whole, `tests="9"`, `tests="nine"`, 1), "nine"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := junit.Read(strings.NewReader(c.document))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestOtherPeoplesResults(t *testing.T) {
	report, err := junit.Read(strings.NewReader(`<testsuites tests="5" failures="1" errors="1">
		<testsuite name="s">
			<testcase name="fails" classname="c.d" time="1e400"><failure type="AssertionError">body</failure></testcase>
			<testcase name="errs" time="-1"><error message="boom" type="Exception"/></testcase>
			<testcase name="skips" time="NaN"><skipped/></testcase>
			<testcase time="2.5"/>
			<testcase name="passes" time="1e30"><system-out>x</system-out></testcase>
		</testsuite></testsuites>`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`Test run, 0s, problem ""`, "s in c.d", "  fails: failed 0s ", "  errs: failed 0s ", "  skips: skipped 0s skipped",
		"  Scenario: passed 2.5s ", "  passes: passed 0s ",
	}
	if diff := cmp.Diff(want, outline(&report.Run)); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func combine(t *testing.T, runs ...junit.Labelled) []byte {
	t.Helper()
	var document bytes.Buffer
	if err := junit.Combine(&document, "Matrix", runs); err != nil {
		t.Fatal(err)
	}
	return document.Bytes()
}

func TestRunsInOneFileAreToldApart(t *testing.T) {
	report := readBack(t, example.Run())
	document := combine(t, junit.Labelled{Label: "embedded 1.34", Report: report}, junit.Labelled{Label: "kind", Report: report},
		junit.Labelled{Label: "k3d", Problem: "no junit.xml is there"})
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
	if got := combined.Suites[4].Cases[0].Error.Message; got != "no junit.xml is there" {
		t.Errorf("the run without results says %q", got)
	}
}

func FuzzRead(f *testing.F) {
	var whole bytes.Buffer
	ended := example.Run()
	ended.Problem = "interrupted"
	if err := junit.Write(&whole, &ended); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()/3])
	for _, seed := range []string{
		"", "<", "<testsuites/>", "<testsuites></testsuite>", `<!DOCTYPE a [<!ENTITY b "c">]><testsuites name="&b;"/>`,
		`<testsuites tests="1" failures="1"><testsuite><testcase><failure/><error/><skipped/></testcase></testsuite></testsuites>`,
		`<testsuites tests="1" failures="1"><testsuite><testcase time="9e99"><failure/><skipped/></testcase></testsuite></testsuites>`,
		`<testsuites tests="1" errors="1"><testsuite id="run"><testcase><error type="ended early"/></testcase></testsuite></testsuites>`,
		`<testsuites time="9e99"><testsuite timestamp="9999-99-99T00:00:00" time="-0"/></testsuites>`,
		`<testsuites name="&#x85;&#x202e;&#xfffe;"/>`, strings.Repeat("<testsuites>", 20000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		report, err := junit.Read(bytes.NewReader(document))
		if err != nil {
			return
		}
		report.Run.Verdict()
		combined := combine(t, junit.Labelled{Label: "a", Report: report})
		validate(t, combined)
		again, err := junit.Read(bytes.NewReader(combined))
		if err != nil {
			t.Fatalf("what was combined can't be read: %v", err)
		}
		if want, got := len(read(t, combined).Suites), len(again.Run.Features); want != got {
			t.Errorf("%d suites, %d features", want, got)
		}
	})
}
