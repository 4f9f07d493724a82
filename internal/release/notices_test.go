package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/internal/release"
)

// sources are two modules: a program, and a library of which it uses one package, and that for arm64 only.
func sources() map[string]string {
	return map[string]string{
		"main/go.mod":               "module example.com/main\n\ngo 1.26\n\nrequire example.com/lib v1.2.3\n\nreplace example.com/lib v1.2.3 => ../lib\n",
		"main/main.go":              "package main\n\nimport _ \"example.com/lib/used\"\n\nfunc main() {}\n",
		"main/LICENSE":              "the program's own\n",
		"lib/go.mod":                "module example.com/lib\n\ngo 1.26\n",
		"lib/LICENSE.md":            "licence of lib  \r\n",
		"lib/license.go":            "package lib\n",
		"lib/used/used.go":          "package used\n",
		"lib/used/arm64.go":         "//go:build arm64\n\npackage used\n\nimport _ \"example.com/lib/used/forked\"\n",
		"lib/used/NOTICE":           "notice of used\n",
		"lib/used/forked/forked.go": "package forked\n",
		"lib/used/forked/COPYING":   "licence of lib\n\n",
		"lib/unused/unused.go":      "package unused\n",
		"lib/unused/LICENSE":        "licence of unused\n",
	}
}

// build writes sources and builds their program for arm64. It returns the folders of the sources and of the program.
func build(t *testing.T, sources map[string]string) (folder, built string) {
	t.Helper()
	folder, built = t.TempDir(), t.TempDir()
	write(t, folder, sources)
	command := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(built, "bin", "program"), ".")
	command.Dir = filepath.Join(folder, "main")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64", "GOFLAGS=")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	return folder, built
}

func collect(t *testing.T, folder, built string) (string, error) {
	t.Helper()
	programs, err := release.Programs(built)
	if err != nil {
		t.Fatal(err)
	}
	// The first is another module, in which the program is not known.
	notices, err := release.CollectNotices(t.Context(), programs, []string{filepath.Join(folder, "lib"), filepath.Join(folder, "main")})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := notices.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String(), nil
}

func TestNotices(t *testing.T) {
	folder, built := build(t, sources())
	got, err := collect(t, folder, built)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("=", 100) + "\n"
	for _, want := range []string{
		// Equal but for space, so once.
		line + "../lib : LICENSE.md\n../lib : used/forked/COPYING\n" + line + "\nlicence of lib\n",
		line + "../lib : used/NOTICE\n" + line + "\nnotice of used\n",
		"std go1.",
		"Redistribution and use in source and binary forms",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the notices lack:\n%s", want)
		}
	}
	for _, other := range []string{"unused", "license.go", "the program's own"} {
		if strings.Contains(got, other) {
			t.Errorf("the notices have %q", other)
		}
	}
	if t.Failed() {
		t.Logf("%.2000s", got)
	}
}

func TestModuleWithoutALicence(t *testing.T) {
	files := sources()
	for _, name := range []string{"lib/LICENSE.md", "lib/used/NOTICE", "lib/used/forked/COPYING"} {
		delete(files, name)
	}
	folder, built := build(t, files)
	if _, err := collect(t, folder, built); err == nil || !strings.Contains(err.Error(), "no licence found in the module ../lib") {
		t.Errorf("error %v", err)
	}
}

func TestProgramOfOtherVersions(t *testing.T) {
	folder, built := build(t, sources())
	if err := os.CopyFS(filepath.Join(folder, "lib2"), os.DirFS(filepath.Join(folder, "lib"))); err != nil {
		t.Fatal(err)
	}
	write(t, folder, map[string]string{"main/go.mod": strings.Replace(sources()["main/go.mod"], "../lib", "../lib2", 1)})
	if _, err := collect(t, folder, built); err == nil || !strings.Contains(err.Error(), "build it again") {
		t.Errorf("error %v", err)
	}
}

func TestProgramOfUnknownModule(t *testing.T) {
	_, built := build(t, sources())
	programs, err := release.Programs(built)
	if err != nil {
		t.Fatal(err)
	}
	if programs[0].Name != "bin/program" {
		t.Errorf("the program's name is %q", programs[0].Name)
	}
	if _, err := release.CollectNotices(t.Context(), programs, nil); err == nil || !strings.Contains(err.Error(), "bin/program") {
		t.Errorf("error %v", err)
	}
}

func TestFolderWithoutPrograms(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{"readme": "text"})
	if _, err := release.Programs(folder); err == nil {
		t.Error("no error")
	}
	write(t, folder, map[string]string{"script*": "#!/bin/sh\n"})
	if _, err := release.Programs(folder); err == nil || !strings.Contains(err.Error(), "script") {
		t.Errorf("error %v", err)
	}
}
