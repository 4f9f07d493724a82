package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func buildImage(arguments ...string) error {
	cmd := newBuildImage()
	cmd.SetArgs(arguments)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	return cmd.Execute()
}

func TestBuildImageOfThisTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	err = buildImage(self, "--name", "testbed.local/images:dev", "--port", "80,8080")
	if err != nil {
		// Tests under the race detector are linked dynamically, which the command must reject.
		if !strings.Contains(err.Error(), "CGO_ENABLED=0") {
			t.Fatal(err)
		}
		return
	}
	image, err := tarball.ImageFromPath(filepath.Base(self)+".tar", nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if entrypoint := config.Config.Entrypoint; len(entrypoint) != 1 || entrypoint[0] != "/"+filepath.Base(self) {
		t.Errorf("entrypoint %q", entrypoint)
	}
	if len(config.Config.ExposedPorts) != 2 {
		t.Errorf("ports %v", config.Config.ExposedPorts)
	}
}

func TestBuildImageNamesWrongFlags(t *testing.T) {
	for name, c := range map[string]struct {
		arguments []string
		want      string
	}{
		"no name":      {[]string{"x"}, "name"},
		"unknown flag": {[]string{"x", "--image", "x"}, "--image"},
		"port zero":    {[]string{"x", "--name", "a.b/cd:e", "--port", "0"}, "1 and 65535"},
		"no binary":    {[]string{"/none", "--name", "a.b/cd:e"}, "/none"},
		"no registry":  {[]string{"x", "--name", "cd:e"}, "registry"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := buildImage(c.arguments...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
