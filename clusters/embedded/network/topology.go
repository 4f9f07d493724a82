//go:build linux

package network

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

// Names of interfaces: of a machine's only cable, and of the router's two sides.
const (
	internetInterface = "internet"
	lanBridge         = "lan"
)

// Topology is the test network, cabled.
type Topology struct {
	Router, Client *Namespace
	// Nodes in the plan's order.
	Nodes []*Namespace

	mu         sync.Mutex
	delayLines map[string]*insertedLine // by namespace and interface: those that are delayed without netem
}

// Build makes the plan's machines and cables. The router's namespace is the caller's.
//
//	client eth0 ── internet router lan ── eth0 node (each)
func Build(ctx context.Context, p addressplan.Network) (*Topology, error) {
	var t Topology
	var err error
	if t.Router, err = Current("router"); err != nil {
		return nil, err
	}
	if err := t.Router.Do(func() error { return setUp("lo") }); err != nil {
		return nil, err
	}
	if err := t.Router.Do(checkKernel); err != nil {
		return nil, err
	}
	if t.Client, err = NewNamespace("client"); err != nil {
		return nil, err
	}
	if err := t.connectClient(p); err != nil {
		return nil, err
	}
	if err := t.connectNodes(p); err != nil {
		return nil, err
	}
	if err := t.routeLoadBalancers(p.LoadBalancerCIDR); err != nil {
		return nil, err
	}
	if err := t.Router.Sysctl(map[string]int{"net.ipv4.ip_forward": 1}, false); err != nil {
		return nil, err
	}
	return &t, t.Router.connectInternet(ctx, p)
}

func (t *Topology) connectClient(p addressplan.Network) error {
	bits := p.ClientNet().Bits()
	err := Connect(
		Port{t.Router, internetInterface, netip.PrefixFrom(p.ClientGateway(), bits)},
		Port{t.Client, addressplan.MachineInterface, netip.PrefixFrom(p.ClientAddress, bits)}, p.InternetMTU)
	if err != nil {
		return err
	}
	return t.Client.DefaultRoute(p.ClientGateway())
}

func (t *Topology) connectNodes(p addressplan.Network) error {
	var cables []string
	for _, node := range p.Nodes {
		ns, err := NewNamespace(node.Name)
		if err != nil {
			return err
		}
		err = Connect(
			Port{Namespace: t.Router, Interface: node.Name},
			Port{ns, addressplan.MachineInterface, netip.PrefixFrom(node.Address, p.LAN.Bits())}, p.LANMTU)
		if err != nil {
			return err
		}
		if err := prepareNode(ns); err != nil {
			return err
		}
		t.Nodes = append(t.Nodes, ns)
		cables = append(cables, node.Name)
	}
	if err := t.Router.Switch(lanBridge, netip.PrefixFrom(p.Router(), p.LAN.Bits()), p.LANMTU, cables...); err != nil {
		return err
	}
	for _, ns := range t.Nodes {
		if err := ns.DefaultRoute(p.Router()); err != nil {
			return err
		}
	}
	return nil
}

// prepareNode sets what Kubernetes requires of a machine: it forwards packets, and bridged packets between its pods go
// through netfilter, where kube-proxy's translation is undone for replies (kubernetes.io, "Container runtimes",
// network configuration).
func prepareNode(ns *Namespace) error {
	if err := ns.Sysctl(map[string]int{"net.ipv4.ip_forward": 1}, false); err != nil {
		return err
	}
	return ns.Sysctl(map[string]int{"net.bridge.bridge-nf-call-iptables": 1}, true)
}

// Namespace finds a machine by name.
func (t *Topology) Namespace(machine string) (*Namespace, error) {
	for _, ns := range append([]*Namespace{t.Router, t.Client}, t.Nodes...) {
		if ns.name == machine {
			return ns, nil
		}
	}
	return nil, fmt.Errorf("unknown machine %q", machine)
}
