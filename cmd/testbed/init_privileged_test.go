//go:build privileged

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What init writes passes as it is, on a new cluster of the programs that `make build` built, which are found also if
// the program is called by a symbolic link.
func TestInitFeaturePasses(t *testing.T) {
	t.Parallel()
	built, err := filepath.Abs("../../bin/testbed")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	link := filepath.Join(folder, "linked")
	if err := os.Symlink(built, link); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "."}, {"run", "--cluster", "embedded", "features"}} {
		command := exec.CommandContext(t.Context(), link, args...)
		command.Dir = folder
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, output)
		}
		if args[0] == "run" && !strings.Contains(string(output), "3 passed") {
			t.Errorf("printed:\n%s", output)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "reports", "out", "index.html")); err != nil {
		t.Error(err)
	}
}
