package buildprogress

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module makes a module of a main package and one that it imports.
func module(t *testing.T, imported string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":     "module example.com/m\n\ngo 1.26\n",
		"main.go":    "package main\n\nimport _ \"example.com/m/inner\"\n\nfunc main() {}\n",
		"inner/i.go": imported,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuild(t *testing.T) {
	output := filepath.Join(t.TempDir(), "program")
	build := Build{
		Dir: module(t, fmt.Sprintf("package inner\n\nconst Unique = %q\n", rand.Text())), Output: output, Arguments: []string{"-trimpath", "."},
		Environment: []string{"GOFLAGS=", "CGO_ENABLED=0"},
	}
	before, err := build.stale(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := build.Run(t.Context(), &out, false); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if _, err := os.Stat(output); err != nil {
		t.Error(err)
	}
	after, err := build.stale(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The main package stays stale, because its program isn't where go install puts it.
	if before-after < 1 || after > 1 {
		t.Errorf("%d packages to compile before the build and %d after it", before, after)
	}
}

func TestBuildError(t *testing.T) {
	build := Build{Dir: module(t, "package inner\n\nvar x int = \"\"\n"), Output: filepath.Join(t.TempDir(), "program"), Arguments: []string{"."}}
	var out bytes.Buffer
	err := build.Run(t.Context(), &out, false)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out.String(), "inner/i.go:3") {
		t.Errorf("error %v, output:\n%s", err, out.String())
	}
}
