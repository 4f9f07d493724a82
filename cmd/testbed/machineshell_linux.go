package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// machineShell becomes the command on a machine that has its own host name. Machines of an embedded cluster share all
// namespaces but that of the network, as the programs that run there need no more; people look at the name.
func machineShell(machine string, command []string) int {
	if err := becomeOn(machine, command); err != nil {
		fmt.Fprintf(os.Stderr, "testbed: %v\n", err)
	}
	return 1
}

func becomeOn(machine string, command []string) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("machine %s: %w", machine, err)
	}
	runtime.LockOSThread() // a namespace is a thread's; the thread that calls execve is the one that stays
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("giving machine %s a host name of its own: %w", machine, err)
	}
	if err := unix.Sethostname([]byte(machine)); err != nil {
		return fmt.Errorf("naming machine %s: %w", machine, err)
	}
	return fmt.Errorf("running %s: %w", program, syscall.Exec(program, command, os.Environ()))
}
