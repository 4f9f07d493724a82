//go:build linux

package container

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// endWithLauncher makes the kernel kill this process when its parent ends, which is the Launcher's thread: see there.
func endWithLauncher() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("setting the parent-death signal: %w", err)
	}
	return nil
}

// pause is the first process of a PID namespace that several containers share. When it ends, the kernel kills all
// processes in the namespace.
func pause() error {
	if err := endWithLauncher(); err != nil {
		return err
	}
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, unix.SIGCHLD)
	if err := unix.Close(reportFD); err != nil { // reports success
		return err
	}
	for range orphans {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
		}
	}
	return nil
}
