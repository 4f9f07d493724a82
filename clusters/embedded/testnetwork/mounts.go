//go:build linux

package testnetwork

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

// mountFileSystems gives the test network a /run of its own, in memory, and a /proc of its own processes. Nothing that
// is mounted here is seen by the host, and nothing that is written to /run outlives the test network.
func mountFileSystems() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts to ourselves: %w", err)
	}
	if err := unix.Mount("testbed", "/run", "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mounting a /run in memory: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc (a container that hides parts of /proc forbids it; "+
			"run on the machine itself, or give the container an unmasked /proc): %w", err)
	}
	for _, dir := range []string{"/run/netns", "/run/lock", control.StateDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
	}
	return nil
}

// linkPrograms makes kubectl a program of its own for the shells inside; its binary goes by the name it is called by.
func linkPrograms(kube string) error {
	if err := os.MkdirAll(control.ProgramDir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", control.ProgramDir, err)
	}
	if err := os.Symlink(kube, control.ProgramDir+"/kubectl"); err != nil {
		return fmt.Errorf("linking kubectl: %w", err)
	}
	return nil
}
