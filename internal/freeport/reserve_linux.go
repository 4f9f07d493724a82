package freeport

import (
	"errors"
	"fmt"
	"syscall"
)

// reserve binds a socket to a port, and doesn't listen. Since it has SO_REUSEADDR, as Go's listeners have, it is not in
// their way, while the kernel neither gives the port to others that bind to any nor to connections.
func reserve() (port uint16, release func(), err error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("making a socket: %w", err)
	}
	release = func() { _ = syscall.Close(socket) }
	err = errors.Join(
		syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.Bind(socket, &syscall.SockaddrInet4{}), // of all addresses, since a listener may be
	)
	var bound syscall.Sockaddr
	if err == nil {
		bound, err = syscall.Getsockname(socket)
	}
	if err != nil {
		release()
		return 0, nil, fmt.Errorf("binding a socket: %w", err)
	}
	return uint16(bound.(*syscall.SockaddrInet4).Port), release, nil //nolint:forcetypeassert // it was made for IPv4
}
