//go:build !linux

package freeport

import "net"

// reserve chooses a port. Elsewhere than on Linux, a socket that is bound to it would be in the way of a listener.
func reserve() (port uint16, release func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	port = listener.Addr().(*net.TCPAddr).AddrPort().Port()
	return port, func() {}, listener.Close()
}
