package reports_test

import (
	"encoding/json"
	"encoding/xml"
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

// files are the names below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// withFile is a run whose only evidence is the file.
func withFile(file evidence.File) results.Run {
	return results.Run{Features: []results.Feature{{Name: "f", Scenarios: []results.Scenario{{
		Name: "s", Steps: []results.Step{{Status: results.Passed, Evidence: []evidence.Evidence{file}}},
	}}}}}
}

func TestWriteMakesAllReports(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reports", "out")
	if err := reports.Write(dir, example.Run()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"conformance.yaml", "cucumber.json", "evidence/1-1-1-1-Load-run.json", "evidence/1-1-2-1-admin.json", "evidence/1-2-3-1-Services-that-answered.json",
		"evidence/1-2-3-2-Routing-table.txt", "evidence/1-3-2-1-Port-443-at-the-controller-s-pod.json",
		"evidence/1-3-2-2-https.pcap", "index.html", "junit.xml", "results.json",
	}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if capture := read(t, dir, "evidence", "1-3-2-2-https.pcap"); len(capture) != 24 || !strings.HasPrefix(capture, "\xd4\xc3\xb2\xa1") {
		t.Errorf("the capture is %q", capture)
	}
	if page := read(t, dir, "index.html"); !strings.Contains(page, `<a href="evidence/1-3-2-2-https.pcap" download>https.pcap</a>`) {
		t.Error("the page has no link to the capture")
	}
	if err := xml.Unmarshal([]byte(read(t, dir, "junit.xml")), new(struct{})); err != nil {
		t.Errorf("junit.xml: %v", err)
	}
	if document := read(t, dir, "cucumber.json"); !json.Valid([]byte(document)) || !strings.Contains(document, evidence.PcapMediaType) {
		t.Error("cucumber.json is not valid or lacks the capture")
	}
	for _, name := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, error %v", name, info.Mode(), err)
		}
	}
}

func TestWritingAgainReplacesReportsAndOldEvidence(t *testing.T) {
	dir := t.TempDir()
	if err := reports.Write(dir, example.Run()); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "evidence", "notes.txt")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reports.Write(dir, withFile(evidence.File{Name: "new.log", Bytes: []byte("log")})); err != nil {
		t.Fatal(err)
	}
	want := []string{"conformance.yaml", "cucumber.json", "evidence/1-1-1-1-new.log", "evidence/notes.txt", "index.html", "junit.xml", "results.json"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if strings.Contains(read(t, dir, "index.html"), "canary") {
		t.Error("the page is the old one")
	}
}

func TestWriteLeavesTheRunAsItIs(t *testing.T) {
	run := example.Run()
	if err := reports.Write(t.TempDir(), run); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example.Run(), run); diff != "" {
		t.Errorf("the run has changed (-want +got):\n%s", diff)
	}
}

func TestFilesAreCopiedFromTheirPath(t *testing.T) {
	source := filepath.Join(t.TempDir(), "node.log")
	content := strings.Repeat("line\n", 200_000)
	if err := os.WriteFile(source, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := reports.Write(dir, withFile(evidence.File{Title: "Node", Name: "node.log", Path: source})); err != nil {
		t.Fatal(err)
	}
	if read(t, dir, "evidence", "1-1-1-1-node.log") != content {
		t.Error("the copy differs")
	}
	if document := read(t, dir, "cucumber.json"); len(document) > 10_000 {
		t.Errorf("cucumber.json embeds the large file: it has %d bytes", len(document))
	}
}

func TestFilesThatCannotBeKeptAreRemarks(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ path, remark string }{
		"missing":      {"/nonexistent/x.pcap", "no such file"},
		"a folder":     {t.TempDir(), "is not a regular file"},
		"a named pipe": {pipe, "is not a regular file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := reports.Write(dir, withFile(evidence.File{Name: "x.pcap", Path: c.path})); err != nil {
				t.Fatal(err)
			}
			if page := read(t, dir, "index.html"); !strings.Contains(page, c.remark) {
				t.Errorf("the page doesn't say %q", c.remark)
			}
		})
	}
}

func TestNamesOfFilesCannotLeaveTheFolder(t *testing.T) {
	for _, name := range []string{
		"../../../etc/passwd", "/etc/passwd", "..", ".", "", "a/../..", "..\\x", "a b\x00<>\"&?#%", strings.Repeat("n", 500),
		"한국어.pcap", "-rf", ".hidden",
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "out")
			if err := reports.Write(dir, withFile(evidence.File{Name: name, Bytes: []byte("x")})); err != nil {
				t.Fatal(err)
			}
			for _, file := range files(t, parent) {
				folder := filepath.Dir(file)
				if folder != "out" && folder != "out/evidence" || strings.ContainsAny(file, "\x00<>\"&?#%\\ ") || len(file) > 120 {
					t.Errorf("made %q", file)
				}
			}
		})
	}
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reports.Write(filepath.Join(file, "out"), example.Run()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
}

func TestAReportThatCannotBeWrittenDoesNotStopTheOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "junit.xml"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := reports.Write(dir, example.Run())
	if err == nil || !strings.Contains(err.Error(), "junit.xml") {
		t.Errorf("error %v, want one that names the report", err)
	}
	for _, name := range []string{"conformance.yaml", "cucumber.json", "evidence/1-3-2-2-https.pcap", "index.html", "results.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
