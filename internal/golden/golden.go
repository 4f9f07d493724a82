// Package golden compares what a test has produced with a file that is kept under testdata.
//
//	go test ./controller/translate -update
//
// writes the files instead, for a reader to judge with git diff.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The testing package parses the flags before any test runs, so that this one has to be there by then.
var update = flag.Bool("update", false, "write the golden files instead of comparing with them") //nolint:gochecknoglobals // a flag of the test binary

// Compare fails the test if the file does not have exactly the content. With -update it writes the file, and its
// folder if that is missing.
func Compare(t testing.TB, file, content string) {
	t.Helper()
	compare(t, file, content, *update)
}

func compare(t testing.TB, file, content string, write bool) {
	t.Helper()
	if write {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("making the folder of a golden file: %v", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatalf("writing a golden file: %v", err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading a golden file: %v (go test with -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), content); diff != "" {
		t.Errorf("%s differs (-want +got); go test with -update accepts it:\n%s", file, diff)
	}
}
