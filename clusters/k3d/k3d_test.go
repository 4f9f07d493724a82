package k3d

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program installs a fake k3d that appends its arguments to a file and then runs the script.
func program(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	text := "#!/bin/sh\necho \"$@\" >> " + filepath.Join(dir, "calls") + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "k3d"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return dir
}

func TestMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Exists(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "install it") || !strings.Contains(err.Error(), "CLUSTER=embedded") {
		t.Errorf("error %v", err)
	}
}

func TestEngineThatIsDown(t *testing.T) {
	program(t, `echo noise >&2; echo "Cannot connect to the Docker daemon" >&2; exit 1`)
	_, err := Exists(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "check that Docker runs") || !strings.Contains(err.Error(), "Cannot connect") ||
		strings.Contains(err.Error(), "noise") {
		t.Errorf("error %v", err)
	}
}

func TestExists(t *testing.T) {
	program(t, `echo '[{"name":"one"},{"name":"onetwo"}]'`)
	for name, want := range map[string]string{"one": "can't distinguish", "onetwo": "true", "three": "false"} {
		there, err := Exists(t.Context(), name)
		got := "false"
		if there {
			got = "true"
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestArgumentsOfCreate(t *testing.T) {
	dir := program(t, `case "$2" in list) echo '[]';; get) echo "mine 1/1";; create) echo "no image" >&2; exit 1;; esac`)
	_, err := Open(t.Context(), Config{Name: "fresh", Image: "rancher/k3s:v1.35.4-k3s1"})
	if err == nil || !strings.Contains(err.Error(), `k3d cluster "fresh"`) || !strings.Contains(err.Error(), "no image") {
		t.Errorf("error %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(string(raw)), "\n")
	at := slices.IndexFunc(calls, func(call string) bool { return strings.HasPrefix(call, "cluster create fresh ") })
	if at < 0 {
		t.Fatalf("k3d was not called to create a cluster: %q", calls)
	}
	for _, wanted := range []string{
		"--image rancher/k3s:v1.35.4-k3s1", "--k3s-arg --disable=traefik@server:*", "--k3s-arg --disable=servicelb@server:*",
		"--kubeconfig-update-default=false", "--agents 2",
	} {
		if !strings.Contains(calls[at], wanted) {
			t.Errorf("%q lacks %s", calls[at], wanted)
		}
	}
}
