package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/results"
)

// leave writes the reports of a run whose only scenario has the status.
func leave(t *testing.T, dir string, status results.Status) {
	t.Helper()
	err := reports.Write(dir, results.Run{Title: "Conformance", Features: []results.Feature{{URI: "f.feature", Name: "Hosts", Scenarios: []results.Scenario{
		{Name: "s", Steps: []results.Step{{Status: status, Failure: &results.Failure{Message: "boom"}}}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// combine runs the command in a folder with the reports of runs that passed, "good" and "better", and one that failed,
// "bad".
func combine(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	leave(t, "good", results.Passed)
	leave(t, "better", results.Passed)
	leave(t, "bad", results.Failed)
	cmd := newRoot()
	var out, complaint strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(&complaint)
	cmd.SetArgs(append([]string{"combine"}, args...))
	err := cmd.ExecuteContext(t.Context())
	var exit exitCode
	if errors.As(err, &exit) {
		return int(exit), out.String(), complaint.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), complaint.String()
}

func TestTheExitCodeOfCombine(t *testing.T) {
	t.Setenv(summaryVariable, "")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"all passed":      {[]string{"good", "better"}, 0, "\nPassed\nReport: reports/out/matrix/index.html\n"},
		"one failed":      {[]string{"good", "one=bad"}, 1, "\nNot passed: 1 of 2 runs did not pass: one\n"},
		"one is missing":  {[]string{"good", "gone"}, 1, "gone did not finish: there is no results.json in gone: give the folder"},
		"a reference":     {[]string{"--reference", "one", "one=bad", "bad"}, 1, "Failed in the reference one:\n  Hosts: s\n    failed on one, bad: boom\n"},
		"no reference":    {[]string{"--reference", "two", "good"}, 2, `no run has the label "two"`},
		"no folder":       {nil, 2, "give the folders"},
		"same label":      {[]string{"a=good", "a=bad"}, 2, `good and bad both have the label "a"`},
		"no name":         {[]string{"=good"}, 2, "has no name"},
		"no path":         {[]string{"name="}, 2, "names no folder"},
		"empty":           {[]string{""}, 2, "names no folder"},
		"onto a run":      {[]string{"--out", "good", "good"}, 2, "would be overwritten"},
		"slash and equal": {[]string{"./x=y"}, 1, "x=y did not finish"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := combine(t, c.args...)
			if code != c.code || !strings.Contains(stdout+stderr, c.says) || (code == 2) != (stderr != "") {
				t.Errorf("exit code %d, want %d and %q; it said:\n%s\nand complained:\n%s", code, c.code, c.says, stdout, stderr)
			}
		})
	}
}

func TestCombineShowsATableAndWritesTheReport(t *testing.T) {
	t.Setenv(summaryVariable, "")
	_, stdout, _ := combine(t, "--out", "both", "good", "bad")
	if want := "Feature  good    bad\nHosts    ✓ 1     ✗ 1\nVerdict  passed  failed\n"; !strings.HasPrefix(stdout, want) {
		t.Errorf("table:\n%s", stdout)
	}
	for _, name := range []string{"index.html", "junit.xml"} {
		if _, err := os.Stat(filepath.Join("both", name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWhereTheMarkdownGoes(t *testing.T) {
	content := func(file string) string {
		raw, err := os.ReadFile(file)
		if err != nil {
			return ""
		}
		return string(raw)
	}
	dir := t.TempDir()
	summary, chosen := filepath.Join(dir, "summary.md"), filepath.Join(dir, "chosen.md")
	for _, file := range []string{summary, chosen} {
		if err := os.WriteFile(file, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(summaryVariable, summary)
	combine(t, "--markdown", chosen, "good")
	if got := content(chosen); !strings.HasPrefix(got, "## Conformance: ✓ Passed") || content(summary) != "before\n" {
		t.Errorf("the chosen file has %q, the summary %q", got, content(summary))
	}
	combine(t, "bad")
	if got := content(summary); !strings.HasPrefix(got, "before\n## Conformance: ✗ Not passed") || !strings.Contains(got, "| Hosts | ✗ 1 failed |") {
		t.Errorf("the summary has %q", got)
	}
}
