//go:build linux

package crilog

import (
	"errors"

	"golang.org/x/sys/unix"
)

// isClosedTerminal recognises the error of a terminal whose last program has ended.
func isClosedTerminal(err error) bool { return errors.Is(err, unix.EIO) }
