package reports_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/results"
)

// passing is a run of the example's scenarios that passed.
func passing(properties ...results.Property) results.Run {
	run := example.Run()
	run.Environment = properties
	run.Features = run.Features[:1]
	run.Features[0].Scenarios = run.Features[0].Scenarios[:1]
	return run
}

// finished writes the run's reports into a folder of the name, and returns the folder.
func finished(t *testing.T, parent, name string, run results.Run) string {
	t.Helper()
	dir := filepath.Join(parent, name)
	if err := reports.Write(dir, run); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRunsAreCombinedWithLinksToTheirPages(t *testing.T) {
	parent := t.TempDir()
	out := filepath.Join(parent, "matrix")
	below := finished(t, out, "kind v1.35", passing())
	beside := finished(t, parent, "beside", example.Run())
	pageless := finished(t, parent, "pageless", passing())
	if err := os.Remove(filepath.Join(pageless, "index.html")); err != nil {
		t.Fatal(err)
	}
	compared, err := reports.Combine(out, []reports.Source{{Dir: below}, {Label: "other", Dir: beside}, {Dir: pageless}}, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, run := range compared.Runs {
		got = append(got, run.Label+" → "+run.Page)
	}
	want := []string{"kind v1.35 → kind%20v1.35/index.html", "other → ../beside/index.html", "pageless → "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if page := read(t, out, "index.html"); !strings.Contains(page, `href="../beside/index.html#scenario-1-2"`) ||
		!strings.Contains(page, "<title>Not passed: Ingress conformance, 3 runs") {
		t.Error("the page lacks the runs")
	}
	if file := read(t, out, "junit.xml"); !strings.Contains(file, `name="other: Hosts and wildcards"`) {
		t.Error("junit.xml lacks the runs")
	}
}

func TestLabelsAreWhatTheRunSaysOfItsCluster(t *testing.T) {
	provider, version := results.Property{Name: "Provider", Value: "kind"}, results.Property{Name: "Kubernetes", Value: "v1.35.8"}
	for want, source := range map[string]struct {
		label      string
		properties []results.Property
	}{
		"kind v1.35.8":       {"", []results.Property{provider, version}},
		"Kubernetes v1.35.8": {"", []results.Property{version}},
		"folder":             {"", []results.Property{provider}},
		"mine":               {"mine", []results.Property{provider, version}},
	} {
		parent := t.TempDir()
		dir := finished(t, parent, "folder", passing(source.properties...))
		compared, err := reports.Combine(filepath.Join(parent, "out"), []reports.Source{{Label: source.label, Dir: dir}}, "")
		if err != nil || compared.Runs[0].Label != want || !compared.Passed() {
			t.Errorf("label %q, error %v, want %q", compared.Runs[0].Label, err, want)
		}
	}
}

func TestRunsWithoutResultsDidNotFinish(t *testing.T) {
	parent := t.TempDir()
	good := finished(t, parent, "good", passing())
	broken := finished(t, parent, "broken", passing())
	if err := os.WriteFile(filepath.Join(broken, "results.json"), []byte(`{"schemaVersion": 1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := finished(t, parent, "newer", passing())
	if err := os.WriteFile(filepath.Join(newer, "results.json"), []byte(`{"schemaVersion": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	older := finished(t, parent, "older", passing())
	if err := os.Remove(filepath.Join(older, "results.json")); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(parent, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "results.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	for dir, why := range map[string]string{
		filepath.Join(parent, "missing"): "give the folder that `testbed run --reports` wrote to", broken: "incomplete",
		folder: "is not a regular file", newer: "read it with the testbed that wrote it", older: "repeat the run with this version",
	} {
		compared, err := reports.Combine(filepath.Join(parent, "out"), []reports.Source{{Dir: good}, {Dir: dir}}, "")
		if err != nil {
			t.Fatal(err)
		}
		run := compared.Runs[1]
		if compared.Passed() || run.Outcome() != "did not finish" || !strings.Contains(run.Reason(), why) || run.Label != filepath.Base(dir) {
			t.Errorf("passed %t, run %q %s: %s", compared.Passed(), run.Label, run.Outcome(), run.Reason())
		}
		if file := read(t, parent, "out", "junit.xml"); !strings.Contains(file, `errors="1"`) {
			t.Error("junit.xml has no error")
		}
	}
}

func TestWhatCannotBeCombinedIsToldBeforeAnythingIsWritten(t *testing.T) {
	parent := t.TempDir()
	one, two := finished(t, parent, "one", passing()), finished(t, parent, "two", passing())
	if err := os.Symlink(one, filepath.Join(parent, "link")); err != nil {
		t.Fatal(err)
	}
	before := read(t, one, "index.html")
	for name, c := range map[string]struct {
		out       string
		sources   []reports.Source
		reference string
		want      string
	}{
		"none":           {"out", nil, "", "there are none"},
		"same label":     {"out", []reports.Source{{Label: "a", Dir: one}, {Label: " a", Dir: two}}, "", `both have the label "a"`},
		"twice the same": {"out", []reports.Source{{Dir: one}, {Dir: one + "/"}}, "", `both have the label "one"`},
		"onto itself":    {"two/../one", []reports.Source{{Dir: one}}, "", "would be overwritten"},
		"through a link": {"link", []reports.Source{{Dir: one}}, "", "would be overwritten"},
		"no reference":   {"out", []reports.Source{{Dir: one}, {Dir: two}}, "three", `no run has the label "three": the labels are one, two`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reports.Combine(filepath.Join(parent, c.out), c.sources, c.reference)
			if !errors.Is(err, reports.ErrSources) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(parent, "out")); err == nil || read(t, one, "index.html") != before {
		t.Error("something was written")
	}
}

func TestAComparisonThatCannotBeWritten(t *testing.T) {
	parent := t.TempDir()
	run := finished(t, parent, "run", passing())
	if _, err := reports.Combine(filepath.Join(run, "junit.xml", "out"), []reports.Source{{Dir: run}}, ""); err == nil || errors.Is(err, reports.ErrSources) {
		t.Errorf("error %v", err)
	}
	out := filepath.Join(parent, "out")
	if err := os.MkdirAll(filepath.Join(out, "index.html"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := reports.Combine(out, []reports.Source{{Dir: run}}, ""); err == nil || !strings.Contains(err.Error(), "index.html") {
		t.Errorf("error %v", err)
	}
	if file := read(t, out, "junit.xml"); !strings.Contains(file, "testsuites") {
		t.Error("junit.xml is missing too")
	}
}
