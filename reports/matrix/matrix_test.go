package matrix_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/matrix"
	"github.com/ingress-testbed/testbed/reports/results"
)

// scenario has one step of the status. The reason is that of a failure or a skip.
func scenario(name string, status results.Status, reason string) results.Scenario {
	step := results.Step{Status: status}
	if status == results.Skipped {
		step.SkipReason = reason
	} else if status.Failing() {
		step.Failure = &results.Failure{Message: reason}
	}
	return results.Scenario{Name: name, Steps: []results.Step{step}}
}

func run(features ...results.Feature) *results.Run {
	return &results.Run{Title: "Conformance", Features: features}
}

func feature(file string, scenarios ...results.Scenario) results.Feature {
	return results.Feature{URI: file, Name: "Feature " + file, Scenarios: scenarios}
}

// four are runs that differ in every way: one passed, one failed, one on another kind of cluster, one without results.
func four() *matrix.Matrix {
	return matrix.New("Conformance", []matrix.Run{
		{Label: "v1.34", Page: "v1.34/index.html", Results: run(
			feature("hosts", scenario("exact", results.Passed, ""), scenario("wildcard", results.Passed, "")),
			feature("tunnel", scenario("vxlan", results.Passed, "")))},
		{Label: "v1.35", Page: "v1.35/index.html", Results: run(
			feature("hosts", scenario("exact", results.Passed, ""), scenario("wildcard", results.Failed, "expected 200, seen 404")),
			feature("tunnel", scenario("vxlan", results.Passed, "")))},
		{Label: "kind", Results: run(
			feature("tunnel", scenario("vxlan", results.Skipped, "routed by kindnet")),
			feature("hosts", scenario("wildcard", results.Passed, ""), scenario("exact", results.Passed, ""), scenario("new", results.Passed, "")))},
		{Label: "k3d", Error: "it left no results.json"},
	})
}

func TestAllFailuresOfAScenarioAreTold(t *testing.T) {
	s := scenario("s", results.Failed, "first")
	s.Steps = append(s.Steps, results.Step{Status: results.Failed, Failure: &results.Failure{Message: "x", Expected: "1", Seen: "2"}})
	s.Error = "the namespace\nstays"
	m := matrix.New("", []matrix.Run{{Label: "a", Results: run(feature("f", s))}})
	if got := m.Features[0].Scenarios[0].Outcomes[0].Message; got != "first\nexpected 1, seen 2\nthe namespace stays" {
		t.Errorf("message %q", got)
	}
}

func describe(m *matrix.Matrix, differences []matrix.Difference) []string {
	var lines []string
	for _, d := range differences {
		line := d.Feature.File + "/" + d.Scenario.Name
		for _, g := range d.Groups {
			line += " |"
			for _, i := range g.Runs {
				line += " " + m.Runs[i].Label
			}
			line += ": " + string(g.Status)
			if g.Message != "" {
				line += ", " + g.Message
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func describeFindings(m *matrix.Matrix) []string {
	var lines []string
	for _, f := range m.Findings() {
		line := f.Effect.String() + ":"
		for _, place := range f.Places {
			line += " " + place.Feature.File + "/" + place.Scenario.Name
		}
		line += " | " + string(f.Status)
		for _, i := range f.Runs {
			line += " " + m.Runs[i].Label
		}
		line += ", " + f.Message
		for _, other := range f.Others {
			line += " | " + string(other.Status)
			for _, i := range other.Runs {
				line += " " + m.Runs[i].Label
			}
		}
		if f.Expected {
			line += " | as expected"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestFindingsAndDifferencesWithTheirReasons(t *testing.T) {
	m := four()
	if diff := cmp.Diff([]string{"none: hosts/wildcard | failed v1.35, expected 200, seen 404 | passed v1.34 kind"}, describeFindings(m)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	want := []string{
		"hosts/new | v1.34 v1.35: not there | kind: passed",
		"tunnel/vxlan | v1.34 v1.35: passed | kind: skipped, routed by kindnet",
	}
	if diff := cmp.Diff(want, describe(m, m.Differences())); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

// failing has a failure of the effect, whose message has an address in it and whose key has not.
func failing(name string, meaning effect.Effect, address string) results.Scenario {
	s := scenario(name, results.Failed, "no answer from "+address)
	s.Steps[0].Failure.Effect, s.Steps[0].Failure.Key = meaning, "no answer from ${address}"
	return s
}

// grave are runs with failures of several effects, the third of which is like the first.
func grave() *matrix.Matrix {
	passed := func(name string) results.Scenario { return scenario(name, results.Passed, "") }
	return matrix.New("", []matrix.Run{
		{Label: "a", Results: run(feature("f", failing("header", effect.Headers, "10.0.0.1"), failing("route", effect.Lost, "10.0.0.1"), passed("login")))},
		{Label: "b", Results: run(feature("f", passed("header"), passed("route"), failing("login", effect.ProtectionLost, "10.0.0.2")),
			feature("g", passed("other")))},
		{Label: "c", Results: run(feature("f", failing("header", effect.Headers, "10.0.0.3"), failing("route", effect.Lost, "10.0.0.3"), passed("login")),
			feature("g", failing("other", effect.Lost, "10.0.0.3")))},
	})
}

func TestTheGravestFailureComesFirstAndEqualOnesAreOne(t *testing.T) {
	m := grave()
	want := []string{
		"protection lost: f/login | failed b, no answer from 10.0.0.2 | passed a c",
		"route lost: f/route | failed a c, no answer from 10.0.0.1 | passed b",
		"route lost: g/other | failed c, no answer from 10.0.0.3 | not there a | passed b",
		"headers: f/header | failed a c, no answer from 10.0.0.1 | passed b",
	}
	if diff := cmp.Diff(want, describeFindings(m)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	var counts []string
	for _, count := range m.Effects() {
		counts = append(counts, fmt.Sprint(count.Effect, count.Scenarios, count.ByRun))
	}
	if diff := cmp.Diff([]string{"protection lost 1 [0 1 0]", "route lost 2 [1 0 2]", "headers 1 [1 0 1]"}, counts); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	remarks := strings.Join(m.Remarks(), "\n")
	if !strings.Contains(remarks, "\nPROTECTION LOST\n  Feature f: login\n    failed on b: no answer from 10.0.0.2\n    passed on a, c\nROUTE LOST\n") {
		t.Errorf("remarks:\n%s", remarks)
	}
}

func TestEqualFailuresOfScenariosInTheSameRunsAreOne(t *testing.T) {
	down := func(names ...string) *results.Run {
		var all []results.Scenario
		for _, name := range names {
			all = append(all, failing(name, effect.Lost, "10.0.0.1"))
		}
		return run(feature("f", all...))
	}
	m := matrix.New("", []matrix.Run{{Label: "a", Results: down("one", "two", "three")}, {Label: "b", Results: down("one", "two")}})
	want := []string{
		"route lost: f/one f/two | failed a b, no answer from 10.0.0.1",
		"route lost: f/three | failed a, no answer from 10.0.0.1 | not there b",
	}
	if diff := cmp.Diff(want, describeFindings(m)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if remarks := strings.Join(m.Remarks(), "\n"); !strings.Contains(remarks, "  Feature f: one\n  … and 1 more scenarios with the same failure\n") {
		t.Errorf("remarks:\n%s", remarks)
	}
}

func TestWhatFailsInTheReferenceIsExpected(t *testing.T) {
	m := grave()
	if err := m.Refer("a"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"protection lost: f/login | failed b, no answer from 10.0.0.2 | passed a c",
		"route lost: g/other | failed c, no answer from 10.0.0.3 | not there a | passed b",
		"route lost: f/route | failed a c, no answer from 10.0.0.1 | passed b | as expected",
		"headers: f/header | failed a c, no answer from 10.0.0.1 | passed b | as expected",
	}
	if diff := cmp.Diff(want, describeFindings(m)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if rows := m.Rows(); rows[0][1] != "a (reference)" {
		t.Errorf("labels %q", rows[0])
	}
	if remarks := strings.Join(m.Remarks(), "\n"); !strings.Contains(remarks, "\nFailed in the reference a:\n  Feature f: route\n") {
		t.Errorf("remarks:\n%s", remarks)
	}
	if err := m.Refer("d"); err == nil || !strings.Contains(err.Error(), `no run has the label "d": the labels are a, b, c`) {
		t.Errorf("an unknown label: %v", err)
	}
}

func TestRunsInWhichNothingRanAreNotCompared(t *testing.T) {
	dead := run(feature("f", scenario("one", results.NotRun, "")))
	dead.Error = "the cluster did not start"
	half := run(feature("f", scenario("one", results.Passed, ""), scenario("two", results.NotRun, "")))
	half.Error = "interrupted"
	whole := run(feature("f", scenario("one", results.Passed, ""), scenario("two", results.Passed, "")))
	m := matrix.New("", []matrix.Run{{Label: "dead", Results: dead}, {Label: "half", Results: half}, {Label: "whole", Results: whole}})
	want := []string{"f/two | half: not run | whole: passed"}
	if diff := cmp.Diff(want, describe(m, m.Differences())); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestVerdict(t *testing.T) {
	passed := run(feature("f", scenario("s", results.Passed, "")))
	skipped := run(feature("f", scenario("s", results.Skipped, "no")))
	failed := run(feature("f", scenario("s", results.Failed, "boom")))
	ended := run(feature("f", scenario("s", results.Failed, "boom")))
	ended.Error = "interrupted"
	for name, c := range map[string]struct {
		runs    []matrix.Run
		reason  string // "" for a pass
		outcome string // of the last run
	}{
		"none":           {nil, "there are no runs", ""},
		"all passed":     {[]matrix.Run{{Label: "a", Results: passed}, {Label: "b", Results: passed}}, "", "passed"},
		"one failed":     {[]matrix.Run{{Label: "a", Results: passed}, {Label: "b", Results: failed}}, "1 of 2 runs did not pass: b", "failed"},
		"all skipped":    {[]matrix.Run{{Label: "a", Results: skipped}, {Label: "b", Results: skipped}}, "2 of 2 runs did not pass: a, b", "not passed"},
		"ended early":    {[]matrix.Run{{Label: "a", Results: passed}, {Label: "b", Results: ended}}, "1 of 2 runs did not pass: b", "ended early"},
		"did not finish": {[]matrix.Run{{Label: "a", Results: passed}, {Label: "b"}}, "1 of 2 runs did not pass: b", "did not finish"},
		"the only one":   {[]matrix.Run{{Label: "a"}}, "the only run did not pass: a", "did not finish"},
	} {
		t.Run(name, func(t *testing.T) {
			m := matrix.New("", c.runs)
			if m.Reason() != c.reason || m.Passed() != (c.reason == "") {
				t.Errorf("passed %t because %q, want %q", m.Passed(), m.Reason(), c.reason)
			}
			if len(c.runs) > 0 {
				if got := m.Runs[len(c.runs)-1].Outcome(); got != c.outcome {
					t.Errorf("outcome %q, want %q", got, c.outcome)
				}
			}
		})
	}
}

func TestScenariosOfOneNameStayApart(t *testing.T) {
	a := run(feature("f", scenario("s", results.Passed, ""), scenario("s", results.Failed, "boom")))
	m := matrix.New("", []matrix.Run{{Label: "a", Results: a}, {Label: "b", Results: a}})
	var got []results.Status
	for _, s := range m.Features[0].Scenarios {
		got = append(got, s.Outcomes[0].Status, s.Outcomes[1].Status)
	}
	if diff := cmp.Diff([]results.Status{results.Passed, results.Passed, results.Failed, results.Failed}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestRowsAndRemarks(t *testing.T) {
	m := four()
	want := [][]string{
		{"Feature", "v1.34", "v1.35", "kind", "k3d"},
		{"Feature hosts", "✓ 2", "✓ 1 ✗ 1", "✓ 3", ""},
		{"Feature tunnel", "✓ 1", "✓ 1", "– 1", ""},
		{"Verdict", "passed", "failed", "passed", "did not finish"},
	}
	if diff := cmp.Diff(want, m.Rows()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	remarks := strings.Join(m.Remarks(), "\n")
	for _, part := range []string{
		"v1.35 failed: 1 of 3 scenarios failed\nk3d did not finish: it left no results.json\n",
		"OTHER FAILURES\n  Feature hosts: wildcard\n    failed on v1.35: expected 200, seen 404\n    passed on v1.34, kind\n",
		"    skipped on kind: routed by kindnet",
	} {
		if !strings.Contains(remarks, part) {
			t.Errorf("the remarks lack %q:\n%s", part, remarks)
		}
	}
}

func TestManyDifferencesAreCutOutsideThePage(t *testing.T) {
	var a, b []results.Scenario
	for i := range 25 {
		a = append(a, scenario(fmt.Sprint(i), results.Passed, ""))
		b = append(b, scenario(fmt.Sprint(i), results.Skipped, "no"))
	}
	m := matrix.New("", []matrix.Run{{Label: "a", Results: run(feature("f", a...))}, {Label: "b", Results: run(feature("f", b...))}})
	remarks := m.Remarks()
	if last := remarks[len(remarks)-1]; last != "  … and 5 more, which the report has" {
		t.Errorf("the last remark is %q", last)
	}
}

func TestMarkdown(t *testing.T) {
	m := four()
	m.Features[0].Name = "a|b <img src=x> `c` *d*"
	var out strings.Builder
	if err := m.WriteMarkdown(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"## Conformance: ✗ Not passed\n\n2 of 4 runs did not pass\\: v1\\.35, k3d\n\n",
		"| Feature | v1\\.34 | v1\\.35 | kind | k3d |\n| --- | --- | --- | --- | --- |\n",
		"| a\\|b \\<img src\\=x\\> \\`c\\` \\*d\\* | ✓ 2 passed | ✓ 1 passed, ✗ 1 failed | ✓ 3 passed |  |\n",
		"\n- k3d did not finish\\: it left no results\\.json\n",
		"\n    - skipped on kind\\: routed by kindnet\n",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in:\n%s", part, out.String())
		}
	}
}

func FuzzMarkdownStaysOneTable(f *testing.F) {
	for _, seed := range []string{"|", "\\", "\\|", "<b>", "a\n\n# b", "\r", "```", "- x", "\x1b[2J", "&#124;"} {
		f.Add(seed)
	}
	shape := func(text string) (lines, cells int) {
		r := example.Rewrite(example.Run(), func(s string) string { return "x" + text + "x" })
		m := matrix.New(text, []matrix.Run{{Label: text + "a", Results: &r}, {Label: text + "b", Error: text}})
		var out strings.Builder
		if err := m.WriteMarkdown(&out); err != nil {
			f.Fatal(err)
		}
		plain := strings.NewReplacer(`\\`, "", `\|`, "").Replace(out.String())
		if strings.ContainsAny(plain, "\x1b\r\x00") {
			f.Errorf("control characters in %q", plain)
		}
		return strings.Count(plain, "\n"), strings.Count(plain, "|")
	}
	f.Fuzz(func(t *testing.T, hostile string) {
		lines, cells := shape("y")
		if gotLines, gotCells := shape("y" + hostile + "y"); gotLines != lines || gotCells != cells {
			t.Errorf("%d lines with %d cells, want %d with %d", gotLines, gotCells, lines, cells)
		}
	})
}
