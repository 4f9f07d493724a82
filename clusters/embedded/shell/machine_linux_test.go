package shell

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onMachine runs the part of the program that runs inside a cluster, as a caller in a folder whose path is given.
func onMachine(t *testing.T, path, folder string, command ...string) (code int, printed string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	opened, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	cmd := exec.Command(os.Args[0], append([]string{"k3s-w7", path}, command...)...)
	cmd.Env = append(os.Environ(), asPart+"=machine")
	cmd.Dir = "/" // where nsenter(1) starts a program
	cmd.ExtraFiles = []*os.File{read, opened}
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if strings.Contains(string(output), unix.EPERM.Error()) {
		t.Skip("namespaces can't be made here")
	}
	return cmd.ProcessState.ExitCode(), string(output)
}

func TestAMachineHasItsOwnHostName(t *testing.T) {
	before, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if code, printed := onMachine(t, "/", "/", "uname", "-n"); code != 0 || printed != "k3s-w7\n" {
		t.Errorf("ended with %d and printed %q", code, printed)
	}
	if after, err := os.Hostname(); err != nil || after != before {
		t.Errorf("this machine is now called %q, %v", after, err)
	}
	if code, printed := onMachine(t, "/", "/", "no-such-program"); code != 1 || !strings.Contains(printed, "no-such-program") {
		t.Errorf("a program that isn't there: %d, %q", code, printed)
	}
	if code, _ := onMachine(t, "/", "/", "sh", "-c", "exit 7"); code != 7 {
		t.Errorf("ended with %d", code)
	}
}

func TestAMachineKeepsTheFolder(t *testing.T) {
	own, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "script"), []byte("#!/bin/sh\npwd\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, printed := onMachine(t, own, own, "./script"); code != 0 || printed != own+"\n" {
		t.Errorf("ended with %d and printed %q, want %q", code, printed, own)
	}
	for path, want := range map[string]string{
		other:         other + " is not there on the machines",
		own + "/none": own + "/none is not there on the machines",
		"":            "the current folder is gone",
	} {
		if code, printed := onMachine(t, path, own, "pwd"); code != 0 || !strings.Contains(printed, want) || !strings.HasSuffix(printed, "starting in /\n/\n") {
			t.Errorf("%q ended with %d and printed %q, want %q", path, code, printed, want)
		}
	}
}
