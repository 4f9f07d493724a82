//go:build !linux

package wire

import "syscall"

// doubt is only known on Linux.
func doubt(syscall.RawConn) {}
