//go:build linux

package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// Dial connects from the namespace to an address: network is "tcp" or "udp". The caller closes the file of the connection.
//
// Only the socket is made on a thread in the namespace. The connection is waited for like any other, so that thousands can
// be under way at the same time.
func (n *Namespace) Dial(ctx context.Context, network string, to netip.AddrPort) (*os.File, error) {
	file, err := n.dial(ctx, network, to)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = os.ErrDeadlineExceeded // as of a net.Dialer: "i/o timeout"
		}
		return nil, fmt.Errorf("from %s: %w", n.name, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err})
	}
	return file, nil
}

func (n *Namespace) dial(ctx context.Context, network string, to netip.AddrPort) (*os.File, error) {
	kinds := map[string]int{"tcp": unix.SOCK_STREAM, "tcp4": unix.SOCK_STREAM, "udp": unix.SOCK_DGRAM, "udp4": unix.SOCK_DGRAM}
	kind, known := kinds[network]
	if !known {
		return nil, net.UnknownNetworkError(network)
	}
	domain, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Is4() {
		domain, address = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	conn, err := socket.Socket(domain, kind, 0, network, &socket.Config{NetNS: int(n.handle)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // what is returned is a copy
	if _, err := conn.Connect(ctx, address); err != nil {
		return nil, err
	}
	return duplicate(conn)
}

// duplicate returns a file of the same socket.
func duplicate(conn *socket.Conn) (file *os.File, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	controlErr := raw.Control(func(fd uintptr) {
		var copied int
		if copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			file = os.NewFile(uintptr(copied), "connection")
		}
	})
	return file, errors.Join(controlErr, err)
}
