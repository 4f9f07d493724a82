package shell

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Main runs a command on a machine that has its own host name, and returns its exit code. Machines of an embedded
// cluster share all namespaces but that of the network, as the programs that run there need no more; people look at the
// name. The path is the caller's folder.
func Main(machine, path string, command []string) int {
	pipe, folder := inherited(3), inherited(4)
	err := runOn(machine, folderInside(path, folder), command, pipe)
	var code ExitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "testbed: %v\n", err)
	return 1
}

// inherited returns a file that was passed to this process, and that the command doesn't get.
func inherited(fd int) *os.File {
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "inherited")
}

// folderInside returns the folder to start in: the caller's, unless it is gone or the machines have something else there.
func folderInside(path string, folder *os.File) string {
	defer folder.Close()
	if path == "" {
		fmt.Fprintln(os.Stderr, "testbed: the current folder is gone: starting in /")
		return "/"
	}
	if inside, err := os.Stat(path); err == nil && inside.IsDir() { //nolint:gosec // the caller's own folder
		if outside, err := folder.Stat(); err == nil && os.SameFile(inside, outside) {
			return path
		}
	}
	fmt.Fprintf(os.Stderr, "testbed: %s is not there on the machines, which have a /run and a /proc of their own: starting in /\n", path)
	return "/"
}

func runOn(machine, folder string, command []string, pipe *os.File) error {
	if err := os.Chdir(folder); err != nil { // the command may be relative to it
		return fmt.Errorf("machine %s: %w", machine, err)
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("machine %s: %w", machine, err)
	}
	runtime.LockOSThread() // a namespace is a thread's, and of the processes that it starts
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("giving machine %s a host name of its own: %w", machine, err)
	}
	if err := unix.Sethostname([]byte(machine)); err != nil {
		return fmt.Errorf("naming machine %s: %w", machine, err)
	}
	cmd := exec.Command(program, command[1:]...)
	cmd.Args[0] = command[0]
	cmd.Dir = folder
	return runRelayed(cmd, pipe)
}
