package kind

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEngines(t *testing.T) {
	for name, c := range map[string]struct {
		wanted    string
		installed []string
		program   string
		problem   string
	}{
		"docker first":      {"", []string{"podman", "docker"}, "docker", ""},
		"what is there":     {"", []string{"podman"}, "podman", ""},
		"as asked":          {"nerdctl", []string{"docker", "nerdctl"}, "nerdctl", ""},
		"none":              {"", nil, "", "CLUSTER=embedded"},
		"asked but missing": {"podman", []string{"docker"}, "", "not installed"},
		"unknown":           {"rkt", []string{"docker"}, "", "kind supports docker, podman and nerdctl"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := chooseEngine(c.wanted, func(program string) bool { return slices.Contains(c.installed, program) })
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || found.program != c.program {
				t.Errorf("found %q, %v", found.program, err)
			}
		})
	}
}

func TestEngineThatIsDown(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho Cannot connect to the Docker daemon >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	t.Setenv("KIND_EXPERIMENTAL_PROVIDER", "")
	_, err := Exists(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "start it") || !strings.Contains(err.Error(), "Cannot connect") {
		t.Errorf("error %v", err)
	}
}
