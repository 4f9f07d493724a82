package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/clusters/embedded/shell"
)

func TestTheProgramIsTheShellsOtherEnd(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	command := exec.Command(os.Args[0], shell.Command, "k3s-w7", "/", "no-such-program")
	command.Env = append(os.Environ(), asProgram+"=1")
	command.ExtraFiles = []*os.File{null, null}
	output, err := command.CombinedOutput()
	if code := command.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(output), "testbed: machine k3s-w7: ") {
		t.Errorf("ended with %d, %v, and printed %q", code, err, output)
	}
}
