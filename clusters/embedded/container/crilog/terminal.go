//go:build linux

package crilog

import (
	"errors"

	"golang.org/x/sys/unix"
)

// isClosedTerminal recognises how a terminal says that its last program has gone.
func isClosedTerminal(err error) bool { return errors.Is(err, unix.EIO) }
