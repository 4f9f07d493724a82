//go:build linux

package testnetwork

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

// mountFileSystems gives the test network a /run of its own, in memory, and a /proc of its own processes. Nothing that
// is mounted here is seen by the host, and nothing that is written to /run outlives the test network.
func mountFileSystems() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
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
	return replaceResolvConf()
}

// resolvConf is where programs look up the name servers of their machine.
const resolvConf = "/etc/resolv.conf"

// replaceResolvConf hides the host's name servers, which no simulated machine reaches: a program would wait for each of
// them at every look-up. Without any, it tries 127.0.0.1 (resolv.conf(5)) and fails at once.
func replaceResolvConf() error {
	const own = control.StateDir + "/resolv.conf"
	const text = "# The simulated machines reach no name server.\noptions timeout:1 attempts:1\n"
	if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the machines' %s: %w", resolvConf, err)
	}
	err := unix.Mount(own, resolvConf, "", unix.MS_BIND, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a missing file, or a link to one in /run, has the same effect
	}
	if err != nil {
		return fmt.Errorf("replacing %s: %w", resolvConf, err)
	}
	return nil
}

// linkPrograms makes kubectl a program of its own for the shells inside; its binary runs the program by whose name it is called.
func linkPrograms(kube string) error {
	if err := os.MkdirAll(control.ProgramDir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", control.ProgramDir, err)
	}
	if err := os.Symlink(kube, control.ProgramDir+"/kubectl"); err != nil {
		return fmt.Errorf("linking kubectl: %w", err)
	}
	return nil
}
