package main

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAMachineHasItsOwnHostName(t *testing.T) {
	before, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	code, printed := program(t, machineShellCommand, "k3s-w7", "uname", "-n")
	if code != 0 && strings.Contains(printed, unix.EPERM.Error()) {
		t.Skip("namespaces can't be made here")
	}
	if code != 0 || printed != "k3s-w7\n" {
		t.Errorf("ended with %d and printed %q", code, printed)
	}
	if after, err := os.Hostname(); err != nil || after != before {
		t.Errorf("this machine is now called %q, %v", after, err)
	}
	if code, printed := program(t, machineShellCommand, "k3s-w7", "no-such-program"); code != 1 || !strings.Contains(printed, "no-such-program") {
		t.Errorf("a program that isn't there: %d, %q", code, printed)
	}
}
