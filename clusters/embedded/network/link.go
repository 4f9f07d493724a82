//go:build linux

package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
)

// Port is one end of a cable: an interface and its namespace.
type Port struct {
	Namespace *Namespace
	Interface string
	// Address of the interface, with its network's length; the zero value gives it none.
	Address netip.Prefix
}

// Connect joins two ports by a cable that carries packets of up to mtu bytes, and sets both up.
func Connect(a, b Port, mtu int) error {
	return a.Namespace.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = a.Interface, mtu
		veth := &netlink.Veth{
			LinkAttrs: attrs, PeerName: b.Interface, PeerMTU: uint32(mtu),
			PeerNamespace: netlink.NsFd(int(b.Namespace.handle)),
		}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("connecting %s to %s: %w", a.Namespace.name, b.Namespace.name, err)
		}
		if err := a.configure(); err != nil {
			return err
		}
		return b.Namespace.Do(b.configure)
	})
}

func (p Port) configure() error {
	if p.Address.IsValid() {
		if err := addAddress(p.Interface, p.Address); err != nil {
			return err
		}
	}
	return setUp(p.Interface)
}

func addAddress(link string, address netip.Prefix) error {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", link, err)
	}
	if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: ipNet(address)}); err != nil {
		return fmt.Errorf("giving %s the address %s: %w", link, address, err)
	}
	return nil
}

// Switch makes a bridge in the namespace that joins the given interfaces.
func (n *Namespace) Switch(bridge string, address netip.Prefix, mtu int, interfaces ...string) error {
	return n.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = bridge, mtu
		link := &netlink.Bridge{LinkAttrs: attrs}
		if err := netlink.LinkAdd(link); err != nil {
			return fmt.Errorf("making bridge %s: %w", bridge, err)
		}
		for _, name := range interfaces {
			member, err := netlink.LinkByName(name)
			if err != nil {
				return fmt.Errorf("finding interface %s: %w", name, err)
			}
			if err := netlink.LinkSetMaster(member, link); err != nil {
				return fmt.Errorf("joining %s to bridge %s: %w", name, bridge, err)
			}
		}
		return Port{Namespace: n, Interface: bridge, Address: address}.configure()
	})
}

// DefaultRoute sends everything that has no other route to gateway.
func (n *Namespace) DefaultRoute(gateway netip.Addr) error {
	return n.Do(func() error {
		if err := netlink.RouteAdd(&netlink.Route{Gw: gateway.AsSlice()}); err != nil {
			return fmt.Errorf("routing %s through %s: %w", n.name, gateway, err)
		}
		return nil
	})
}

// Sysctl sets kernel parameters of the namespace: names with dots below "net.", as sysctl(8) writes them. If optional,
// a parameter that the kernel lacks is skipped.
func (n *Namespace) Sysctl(parameters map[string]int, optional bool) error {
	return n.Do(func() error {
		for name, value := range parameters {
			path := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
			err := os.WriteFile(path, []byte(strconv.Itoa(value)), 0)
			if optional && errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return fmt.Errorf("setting %s of %s to %d: %w", name, n.name, value, err)
			}
		}
		return nil
	})
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
