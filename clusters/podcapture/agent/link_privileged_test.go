//go:build privileged

package agent

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// node is a network namespace that this test's thread is in, with others beside it that stand for Pods.
type node struct{ own netns.NsHandle }

func newNode(t *testing.T) *node {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the test, and its namespace with it
	own, err := netns.New()
	must(t, err)
	t.Cleanup(func() { own.Close() })
	return &node{own}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func up(t *testing.T, link netlink.Link, addresses ...string) {
	t.Helper()
	for _, text := range addresses {
		address, err := netlink.ParseAddr(text)
		must(t, err)
		must(t, netlink.AddrAdd(link, address))
	}
	must(t, netlink.LinkSetUp(link))
}

// pod makes a Pod whose link has the name on the node.
func (n *node) pod(t *testing.T, name, address string) netlink.Link {
	t.Helper()
	ns, err := netns.New()
	must(t, err)
	t.Cleanup(func() { ns.Close() })
	must(t, netns.Set(n.own))
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns)}))
	must(t, netns.Set(ns))
	inside, err := netlink.LinkByName("eth0")
	must(t, err)
	up(t, inside, address)
	must(t, netns.Set(n.own))
	link, err := netlink.LinkByName(name)
	must(t, err)
	return link
}

func routeVia(t *testing.T, link netlink.Link, address string) {
	t.Helper()
	_, target, err := net.ParseCIDR(address)
	must(t, err)
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: target, Scope: netlink.SCOPE_LINK}))
}

func TestPodLink(t *testing.T) {
	n := newNode(t)
	up(t, &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo"}})

	routed := n.pod(t, "veth-routed", "10.1.0.2/32")
	up(t, routed, "10.1.0.1/32")
	routeVia(t, routed, "10.1.0.2/32")

	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "cni0"}}
	must(t, netlink.LinkAdd(bridge))
	up(t, bridge, "10.2.0.1/24")
	for _, one := range []struct{ name, address string }{{"veth-one", "10.2.0.2/24"}, {"veth-two", "10.2.0.3/24"}} {
		link := n.pod(t, one.name, one.address)
		must(t, netlink.LinkSetMaster(link, bridge))
		up(t, link)
	}

	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "shared_host"}, PeerName: "shared_net"}))
	shared, err := netlink.LinkByName("shared_host")
	must(t, err)
	up(t, shared, "10.3.0.1/32")
	routeVia(t, shared, "10.3.0.0/24")

	for address, want := range map[string]string{
		"10.1.0.2": "veth-routed", "10.2.0.2": "veth-one", "10.2.0.3": "veth-two",
		"10.2.0.9": "", "10.3.0.7": "", "10.2.0.1": "",
	} {
		got, err := PodLink(t.Context(), netip.MustParseAddr(address))
		if got != want || (want == "") != errors.Is(err, ErrNoLink) {
			t.Errorf("%s: link %q, want %q; error %v", address, got, want, err)
		}
	}
	if got, err := LinkTowards(netip.MustParseAddr("10.2.0.77")); err != nil || got != "cni0" {
		t.Errorf("the link towards a neighbour is %q, %v", got, err)
	}
}
