//go:build linux

package network

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// checkKernel tries the kinds of interface that a cluster needs, so that the error names the one that the kernel
// lacks.
func checkKernel() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe"
	for _, kind := range []struct {
		module string
		link   netlink.Link
	}{
		{"veth", &netlink.Veth{LinkAttrs: attrs, PeerName: "probe-peer"}},
		{"bridge", &netlink.Bridge{LinkAttrs: attrs}},
		{"vxlan", &netlink.Vxlan{LinkAttrs: attrs, VxlanId: 1, Port: 8472}},
	} {
		if err := netlink.LinkAdd(kind.link); err != nil {
			return explainKernel(kind.module, err)
		}
		if err := netlink.LinkDel(kind.link); err != nil {
			return fmt.Errorf("removing a %s interface again: %w", kind.module, err)
		}
	}
	return nil
}

// explainKernel adds the remedy to the error of a kernel that lacks a kind of interface: rtnetlink's "operation not
// supported".
func explainKernel(module string, err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("this kernel has no %s interfaces (%w): load the module as root with `modprobe %s`, "+
			"or use a kernel that has it", module, err, module)
	}
	return fmt.Errorf("making a %s interface: %w", module, err)
}
