//go:build !linux

package wire

import "syscall"

// acknowledged is not known outside of Linux.
func acknowledged(syscall.RawConn) (bytes uint64, known bool) { return 0, false }
