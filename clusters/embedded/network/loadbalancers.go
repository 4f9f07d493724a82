//go:build linux

package network

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

// unservedPriority is the priority of the rule for unserved ports: after that for local addresses (0), before those for
// the routing tables (32766).
const unservedPriority = 1000

// routeLoadBalancers makes the router look for the addresses of load balancers on the LAN, where a node answers its ARP
// requests.
func (t *Topology) routeLoadBalancers(addresses netip.Prefix) error {
	err := t.Router.Do(func() error {
		lan, err := netlink.LinkByName(lanBridge)
		if err != nil {
			return fmt.Errorf("finding interface %s: %w", lanBridge, err)
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: lan.Attrs().Index, Dst: ipNet(addresses), Scope: netlink.SCOPE_LINK})
	})
	if err != nil {
		return fmt.Errorf("routing the addresses of load balancers, %s, to the LAN: %w", addresses, err)
	}
	for _, node := range t.Nodes {
		if err := node.rejectUnserved(addresses); err != nil {
			return err
		}
	}
	return nil
}

// rejectUnserved makes a node answer packets to ports of a load balancer that no Service has with "network unreachable".
// kube-proxy has given all others another destination before they are routed. Without the rule, the node would send these
// back to the router, which would send them to the node again, until their time to live ends.
func (n *Namespace) rejectUnserved(addresses netip.Prefix) error {
	return n.Do(func() error {
		rule := netlink.NewRule()
		rule.Family, rule.Priority = netlink.FAMILY_V4, unservedPriority
		rule.IifName, rule.Dst, rule.Type = addressplan.MachineInterface, ipNet(addresses), unix.RTN_UNREACHABLE
		if err := netlink.RuleAdd(rule); err != nil {
			return fmt.Errorf("rejecting packets to ports of load balancers that are not served: %w", err)
		}
		return nil
	})
}
