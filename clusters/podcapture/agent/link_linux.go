package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrNoLink is wrapped if a Pod has no link of its own, or it can't be found.
var ErrNoLink = errors.New("the Pod's link can't be found")

const (
	// resolveTimeout bounds the wait for a Pod's link-layer address.
	resolveTimeout = 3 * time.Second
	resolvePoll    = 20 * time.Millisecond
	discardPort    = 9 // RFC 863
)

// PodLink finds the node's end of a Pod's link by the Pod's address, in the calling thread's network namespace, which
// has to be the node's. It follows the route: where the CNI plug-in gives each Pod a route of its own (ptp, kindnet,
// Calico), that names the link; where Pods share a bridge (flannel, K3s), the bridge's forwarding table does. No
// capability is needed for reading either.
func PodLink(ctx context.Context, pod netip.Addr) (string, error) {
	link, err := routeTo(pod)
	if err != nil {
		return "", err
	}
	if link.Type() == "bridge" {
		if link, err = bridgePort(ctx, link, pod); err != nil {
			return "", err
		}
	}
	if err := leadsToPod(link); err != nil {
		return "", fmt.Errorf("%s is reached through %s: %w", pod, link.Attrs().Name, err)
	}
	return link.Attrs().Name, nil
}

// LinkTowards finds the interface by which the node sends packets to an address.
func LinkTowards(address netip.Addr) (string, error) {
	link, err := routeTo(address)
	if err != nil {
		return "", err
	}
	return link.Attrs().Name, nil
}

func routeTo(address netip.Addr) (netlink.Link, error) {
	routes, err := netlink.RouteGet(address.AsSlice())
	if err != nil {
		return nil, fmt.Errorf("looking up the route to %s: %w", address, err)
	}
	if len(routes) == 0 {
		return nil, fmt.Errorf("%w: no route to %s", ErrNoLink, address)
	}
	if routes[0].Type == unix.RTN_LOCAL {
		return nil, fmt.Errorf("%w: %s is an address of the node itself", ErrNoLink, address)
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return nil, fmt.Errorf("looking up the interface that leads to %s: %w", address, err)
	}
	return link, nil
}

// leadsToPod returns an error unless the link is a Pod's own. Of a veth pair that leads to a Pod, the other end is in
// another network namespace; Cilium's cilium_host, by which all Pods are routed, has it in the node's own.
func leadsToPod(link netlink.Link) error {
	if link.Type() != "veth" && link.Type() != "netkit" {
		return fmt.Errorf("%w: links of type %s are shared by Pods", ErrNoLink, link.Type())
	}
	if link.Attrs().NetNsID < 0 {
		return fmt.Errorf("%w: its other end is not in a Pod", ErrNoLink)
	}
	return nil
}

// bridgePort finds the port of a bridge behind which an address is.
func bridgePort(ctx context.Context, bridge netlink.Link, address netip.Addr) (netlink.Link, error) {
	index := bridge.Attrs().Index
	hardware, err := resolve(ctx, index, address)
	if err != nil {
		return nil, err
	}
	entries, err := netlink.NeighList(0, unix.AF_BRIDGE)
	if err != nil {
		return nil, fmt.Errorf("reading the forwarding table of %s: %w", bridge.Attrs().Name, err)
	}
	for _, entry := range entries {
		if entry.MasterIndex == index && entry.HardwareAddr.String() == hardware.String() && entry.LinkIndex != index {
			link, err := netlink.LinkByIndex(entry.LinkIndex)
			if err != nil {
				return nil, fmt.Errorf("looking up a port of %s: %w", bridge.Attrs().Name, err)
			}
			return link, nil
		}
	}
	return nil, fmt.Errorf("%w: %s has no port for %s (%s)", ErrNoLink, bridge.Attrs().Name, address, hardware)
}

// resolve finds the link-layer address of a neighbour. A datagram to it makes the kernel resolve the address.
func resolve(ctx context.Context, link int, address netip.Addr) (net.HardwareAddr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", netip.AddrPortFrom(address, discardPort).String())
	if err != nil {
		return nil, fmt.Errorf("resolving the link-layer address of %s: %w", address, err)
	}
	defer conn.Close()
	for {
		// It is resolved even if the Pod refuses the datagram.
		_, _ = conn.Write([]byte{0})
		neighbours, err := netlink.NeighList(link, netlink.FAMILY_ALL)
		if err != nil {
			return nil, fmt.Errorf("reading the table of neighbours: %w", err)
		}
		for _, neighbour := range neighbours {
			if found, ok := netip.AddrFromSlice(neighbour.IP); ok && found.Unmap() == address && len(neighbour.HardwareAddr) > 0 {
				return neighbour.HardwareAddr, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: no neighbour has address %s", ErrNoLink, address)
		case <-time.After(resolvePoll):
		}
	}
}
