//go:build linux

package network

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Plug pulls out a node's cable at the switch, or plugs it in again.
func (t *Topology) Plug(node string, in bool) error {
	i := slices.IndexFunc(t.Nodes, func(ns *Namespace) bool { return ns.name == node })
	if i < 0 {
		return fmt.Errorf("unknown node %q", node)
	}
	if !in {
		return t.Router.Do(func() error { return setDown(node) })
	}
	if err := t.Router.Do(func() error { return setUp(node) }); err != nil {
		return err
	}
	return t.Nodes[i].Do(abortConnections)
}

func setDown(link string) error {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", link, err)
	}
	if err := netlink.LinkSetDown(l); err != nil {
		return fmt.Errorf("setting interface %s down: %w", link, err)
	}
	return nil
}

// abortConnections resets the TCP connections of a machine with others. After a while without network, TCP waits nearly as
// long again before its next retransmission; programs connect again at once. A kernel that can't reset connections of
// others (INET_DIAG_DESTROY) leaves it at the wait.
func abortConnections() error {
	sockets, err := netlink.SocketDiagTCP(unix.AF_INET)
	if err != nil {
		return fmt.Errorf("listing TCP connections: %w", err)
	}
	for _, s := range sockets {
		if s.State != netlink.TCP_ESTABLISHED || s.ID.Destination.IsLoopback() || s.ID.Destination.Equal(s.ID.Source) {
			continue
		}
		local := &net.TCPAddr{IP: s.ID.Source, Port: int(s.ID.SourcePort)}
		remote := &net.TCPAddr{IP: s.ID.Destination, Port: int(s.ID.DestinationPort)}
		err := netlink.SocketDestroy(local, remote)
		if errors.Is(err, unix.EOPNOTSUPP) {
			return nil
		}
		if err != nil && !errors.Is(err, unix.ENOENT) { // it has been closed meanwhile
			return fmt.Errorf("resetting the connection from %s to %s: %w", local, remote, err)
		}
	}
	return nil
}
