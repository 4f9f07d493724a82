package reports_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/results"
)

// failedTwice is a run with a scenario of which two steps failed, and its end.
func failedTwice() results.Run {
	run := example.Run()
	s := &run.Features[0].Scenarios[1]
	s.Steps[0].Status, s.Steps[0].Failure = results.Failed, &results.Failure{Message: "the canary was refused"}
	s.Error = "after the scenario: the namespace stays"
	return run
}

func TestRunsAreReadBack(t *testing.T) {
	written := failedTwice()
	dir := finished(t, t.TempDir(), "run", written)
	run, err := reports.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := written.MapEvidence(func(_ results.Position, e evidence.Evidence) evidence.Evidence {
		if file, is := e.(evidence.File); is {
			return results.SavedFile{
				Title: file.Title, Name: file.Name, MediaType: file.MediaType, Href: "evidence/1-3-2-2-https.pcap", Size: int64(len(file.Bytes)),
			}
		}
		return e
	})
	if diff := cmp.Diff(&want, run); diff != "" {
		t.Errorf("run (-written +read):\n%s", diff)
	}
}

func TestAComparisonHasAllFailuresAndLinksToTheFilesOfRuns(t *testing.T) {
	parent := t.TempDir()
	out := filepath.Join(parent, "matrix")
	dir := finished(t, parent, "run", failedTwice())
	good := finished(t, parent, "good", passing())
	if _, err := reports.Combine(out, []reports.Source{{Label: "a", Dir: dir}, {Label: "b", Dir: good}}, ""); err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][]string{
		"index.html": {"the canary was refused", "seen 187 requests answered by svc-v2", "the namespace stays"},
		"junit.xml": {
			"the canary was refused", "seen: 187 requests answered by svc-v2", "the namespace stays", "--- Routing table ---",
			"--- https.pcap: ../run/evidence/1-3-2-2-https.pcap ---",
		},
	} {
		content := read(t, out, name)
		for _, part := range parts {
			if !strings.Contains(content, part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	}
}

func TestEvidenceThatIsMissing(t *testing.T) {
	parent := t.TempDir()
	outside := filepath.Join(parent, "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		put  func(file string) error
		want string
	}{
		"gone":          {func(string) error { return nil }, "no such file"},
		"a folder":      {func(file string) error { return os.Mkdir(file, 0o755) }, "is not a regular file"},
		"a named pipe":  {func(file string) error { return syscall.Mkfifo(file, 0o600) }, "is not a regular file"},
		"a link out":    {func(file string) error { return os.Symlink(outside, file) }, "escapes"},
		"much too long": {func(file string) error { return sparse(file, 65<<20) }, "is larger than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := finished(t, parent, strings.ReplaceAll(name, " ", "-"), example.Run())
			file := filepath.Join(dir, "evidence", "1-2-3-2-Routing-table.txt")
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := c.put(file); err != nil {
				t.Fatal(err)
			}
			run, err := reports.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			got, is := run.Features[0].Scenarios[1].Steps[2].Evidence[1].(results.Reference)
			if !is || got.Title != "Routing table" || got.Href != "" || !strings.Contains(got.Error, c.want) {
				t.Errorf("evidence %+v, want a problem with %q", got, c.want)
			}
		})
	}
	dir := finished(t, parent, "capture", example.Run())
	if err := os.Remove(filepath.Join(dir, "evidence", "1-3-2-2-https.pcap")); err != nil {
		t.Fatal(err)
	}
	if _, err := reports.Combine(filepath.Join(parent, "out"), []reports.Source{{Dir: dir}}, ""); err != nil {
		t.Fatal(err)
	}
	if file := read(t, parent, "out", "junit.xml"); !strings.Contains(file, "--- https.pcap: The file is missing. ---") {
		t.Error("junit.xml does not say that the capture is missing")
	}
}

// sparse makes a file of the size that takes no space.
func sparse(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, size)
}
