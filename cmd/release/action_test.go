package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/release"
)

// These tests run the scripts of the GitHub Action with stand-ins for the programs that they call.

// runner is a machine of GitHub's, on which a script of the action runs.
type runner struct {
	t      *testing.T
	folder string // has the stand-ins, and is the working directory
	output string // what the script's step returns
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	folder := t.TempDir()
	r := &runner{t: t, folder: folder, output: filepath.Join(folder, "output")}
	r.program("sudo", "exit 1") // needs a password
	return r
}

// program makes a stand-in, which is a shell script.
func (r *runner) program(name, script string) string {
	r.t.Helper()
	path := filepath.Join(r.folder, "bin", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// run runs a script. It returns what the script printed, and what its step returned.
func (r *runner) run(script string, environment ...string) (printed, output string, err error) {
	r.t.Helper()
	path, err := filepath.Abs("../../.github/action/" + script)
	if err != nil {
		r.t.Fatal(err)
	}
	command := exec.CommandContext(r.t.Context(), path)
	command.Dir = r.folder
	command.Env = append([]string{
		"PATH=" + filepath.Join(r.folder, "bin") + ":" + os.Getenv("PATH"), "GITHUB_OUTPUT=" + r.output, "RUNNER_TEMP=" + r.folder,
	}, environment...)
	said, err := command.CombinedOutput()
	written, readErr := os.ReadFile(r.output)
	if readErr != nil && !os.IsNotExist(readErr) {
		r.t.Fatal(readErr)
	}
	return string(said), string(written), err
}

func TestActionRunsFeatures(t *testing.T) {
	r := newRunner(t)
	testbed := r.program("testbed", `printf '<%s>' "$@" >arguments; mkdir -p "my reports"; touch "my reports/index.html"; exit $CODE`)
	for code, want := range map[string]bool{"0": true, "1": false} {
		printed, output, err := r.run("run.sh", "TESTBED="+testbed, "CODE="+code, "CLUSTER=kind", "TAGS=@a && ~@b", "REPORTS=my reports",
			"FEATURES=features\n other.feature:3\n", "IMAGES= one.tar two.tar", "OPTIONS=--settle=1s\n--kubeconfig\na b\n")
		if (err == nil) != want {
			t.Errorf("exit code %s: error %v\n%s", code, err, printed)
		}
		arguments, err := os.ReadFile(filepath.Join(r.folder, "arguments"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("<run><--cluster><kind><--tags><@a && ~@b><--reports><my reports><--load><one.tar><--load><two.tar>"+
			"<--settle=1s><--kubeconfig><a b><--><features><other.feature:3>", string(arguments)); diff != "" {
			t.Errorf("arguments (-want +got):\n%s", diff)
		}
		if !strings.HasSuffix(output, "report=my reports/index.html\n") {
			t.Errorf("the step returned %q", output)
		}
	}
}

func TestActionRunsBuiltInFeatures(t *testing.T) {
	r := newRunner(t)
	testbed := r.program("testbed", `printf '<%s>' "$@" >arguments`)
	printed, output, err := r.run("run.sh", "TESTBED="+testbed, "CLUSTER=embedded", "TAGS=", "REPORTS=out", "FEATURES=", "IMAGES=", "OPTIONS=")
	if err != nil || output != "" {
		t.Errorf("error %v, the step returned %q and printed:\n%s", err, output, printed)
	}
	arguments, err := os.ReadFile(filepath.Join(r.folder, "arguments"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "<run><--cluster><embedded><--tags><><--reports><out><-->"; string(arguments) != want {
		t.Errorf("arguments %s, want %s", arguments, want)
	}
}

// published makes a release with a program that prints its version, in the folder of the stand-in for curl.
func (r *runner) published() {
	r.t.Helper()
	served := filepath.Join(r.folder, "served")
	if err := os.Mkdir(served, 0o700); err != nil {
		r.t.Fatal(err)
	}
	for _, architecture := range []string{"amd64", "arm64"} {
		archive := release.Archive{Folder: "testbed", Files: map[string]string{"testbed": r.program("shipped", "echo testbed version "+architecture)}}
		if err := release.WriteFile(filepath.Join(served, "testbed-linux-"+architecture+".tar.gz"), archive.Write); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := release.WriteChecksums(served, []string{"testbed-linux-amd64.tar.gz", "testbed-linux-arm64.tar.gz"}); err != nil {
		r.t.Fatal(err)
	}
	r.program("curl", `while [ $# -gt 1 ]; do case $1 in -o) to=$2;; esac; shift; done
echo "$1" >>urls; exec cp "served/${1##*/}" "$to"`)
}

func (r *runner) urls() string {
	r.t.Helper()
	urls, err := os.ReadFile(filepath.Join(r.folder, "urls"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(urls)
}

func TestActionInstallsRelease(t *testing.T) {
	const releases = "https://github.com/ingress-testbed/testbed/releases/"
	file := "/testbed-linux-" + runtime.GOARCH + ".tar.gz\n"
	for _, test := range []struct{ version, actionPath, want string }{
		{"", "/_actions/ingress-testbed/testbed/v1.20.3", releases + "download/v1.20.3" + file},
		{"", "/_actions/ingress-testbed/testbed/main", releases + "latest/download" + file},
		{"latest", "/_actions/ingress-testbed/testbed/v1.20.3", releases + "latest/download" + file},
		{"v1.0.0", "/_actions/ingress-testbed/testbed/v1.20.3", releases + "download/v1.0.0" + file},
	} {
		r := newRunner(t)
		r.published()
		printed, output, err := r.run("install.sh", "VERSION="+test.version, "ARCHIVE=", "CLUSTER=kind", "GITHUB_ACTION_PATH="+test.actionPath)
		if err != nil || !strings.Contains(printed, "testbed version "+runtime.GOARCH+"\n") {
			t.Errorf("%+v: error %v, printed:\n%s", test, err, printed)
		}
		if urls := r.urls(); !strings.HasPrefix(urls, test.want) {
			t.Errorf("%+v: downloaded %s", test, urls)
		}
		program := strings.TrimSuffix(strings.TrimPrefix(output, "testbed="), "\n")
		if _, err := os.Stat(program); err != nil {
			t.Errorf("%+v: the step returned %q: %v", test, output, err)
		}
	}
}

func TestActionRefusesWhatIsNotTheRelease(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(r *runner)
		version string
		want    string
	}{
		"another archive": {func(r *runner) {
			archive := filepath.Join(r.folder, "served", "testbed-linux-"+runtime.GOARCH+".tar.gz")
			if err := release.WriteFile(archive, emptyArchive().Write); err != nil {
				r.t.Fatal(err)
			}
		}, "v1.0.0", "does not have the checksum"},
		"no checksum": {func(r *runner) {
			if err := os.WriteFile(filepath.Join(r.folder, "served", "SHA256SUMS"), nil, 0o600); err != nil {
				r.t.Fatal(err)
			}
		}, "v1.0.0", "does not have the checksum"},
		"no release": {func(r *runner) { r.program("curl", "exit 22") }, "v1.0.0", "cannot download"},
		"no version": {func(*runner) {}, "main", "is not a release"},
	} {
		r := newRunner(t)
		r.published()
		test.change(r)
		printed, output, err := r.run("install.sh", "VERSION="+test.version, "ARCHIVE=", "CLUSTER=kind", "GITHUB_ACTION_PATH=/x")
		if err == nil || !strings.Contains(printed, "::error::") || !strings.Contains(printed, test.want) || output != "" {
			t.Errorf("%s: error %v, the step returned %q and printed:\n%s", name, err, output, printed)
		}
	}
}

func emptyArchive() *release.Archive { return &release.Archive{Folder: "testbed"} }
