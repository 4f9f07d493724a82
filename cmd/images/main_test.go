package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func run(arguments ...string) error {
	cmd := command()
	cmd.SetArgs(arguments)
	cmd.SetOut(io.Discard)
	return cmd.Execute()
}

func TestPackingThisTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "image.tar")
	err = run("--binary", self, "--name", "testbed.local/images:dev", "--out", out, "--port", "80,8080")
	if err != nil {
		// Tests under the race detector are linked dynamically, which the command must reject.
		if !strings.Contains(err.Error(), "CGO_ENABLED=0") {
			t.Fatal(err)
		}
		return
	}
	image, err := tarball.ImageFromPath(out, nil)
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

func TestWrongFlagsAreNamed(t *testing.T) {
	cases := map[string]struct {
		arguments []string
		want      string
	}{
		"nothing":      {nil, "binary"},
		"unknown flag": {[]string{"--image", "x"}, "--image"},
		"port zero":    {[]string{"--binary", "x", "--name", "a.b/cd:e", "--out", "x", "--port", "0"}, "1 and 65535"},
		"no binary":    {[]string{"--binary", "/none", "--name", "a.b/cd:e", "--out", "x"}, "/none"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := run(c.arguments...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
