//go:build linux

package container

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawSetgroups changes the groups of the calling thread alone.
func rawSetgroups(count int, first *uint32) syscall.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(count), uintptr(unsafe.Pointer(first)), 0)
	return errno
}
