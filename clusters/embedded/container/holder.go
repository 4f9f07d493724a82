package container

import (
	"errors"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// holdNamespaces is the first process of a PID namespace that several containers share. Its end is the end of all
// processes in the namespace.
func holdNamespaces() error {
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, unix.SIGCHLD)
	if err := unix.Close(reportFD); err != nil { // says that all is well
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
