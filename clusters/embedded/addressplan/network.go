// Package addressplan is the embedded cluster on paper: which machines there are and which addresses they have. It decides
// nothing at run time; the host's side and the test network read the same plan.
package addressplan

import (
	"errors"
	"fmt"
	"net/netip"
)

// MachineInterface is the name of the interface of the client and of each node.
const MachineInterface = "eth0"

// Network is the plan of addresses. All ranges are IPv4.
//
//	client ── internet ── router ── LAN ── nodes ── pods
type Network struct {
	// ClientAddress is the address of the machine outside the cluster.
	ClientAddress netip.Addr `json:"clientAddress,omitzero"`
	// PublicAddress is mapped one to one to the first node; the next address to the second, and so on.
	PublicAddress netip.Addr `json:"publicAddress,omitzero"`
	// LAN is the range of the nodes' own network. The router has its first address.
	LAN netip.Prefix `json:"lan,omitzero"`
	// PodCIDR is the range of all pods. Each node gets a /24 of it, the first node the first.
	PodCIDR netip.Prefix `json:"podCIDR,omitzero"`
	// ServiceCIDR is the range of cluster IPs.
	ServiceCIDR netip.Prefix `json:"serviceCIDR,omitzero"`
	// FurtherServiceCIDR is a second range of cluster IPs, in an object of the kind ServiceCIDR; none if it isn't set.
	FurtherServiceCIDR netip.Prefix `json:"furtherServiceCIDR,omitzero"`
	// LoadBalancerCIDR is the range of the addresses of load balancers. They are on the internet, and the router finds the
	// node that announces one on the LAN.
	LoadBalancerCIDR netip.Prefix `json:"loadBalancerCIDR,omitzero"`
	// LANMTU and InternetMTU are the largest packets in bytes that the LAN and the internet carry.
	LANMTU      int `json:"lanMTU,omitempty"`
	InternetMTU int `json:"internetMTU,omitempty"`
	// Nodes, the one with the control plane first.
	Nodes []Node `json:"nodes,omitempty"`
}

// Node is one machine on the LAN.
type Node struct {
	Name string `json:"name"`
	// Address on the LAN.
	Address netip.Addr `json:"address"`
}

// WithDefaults fills in the walkthrough's values. A data centre of Amazon's, where the walkthrough was recorded, has
// jumbo frames inside (9001 bytes): its packet captures show a maximum segment size of 8911 because of that.
func (n Network) WithDefaults() Network {
	setAddr(&n.ClientAddress, "175.116.31.155")
	setAddr(&n.PublicAddress, "3.35.217.39")
	setPrefix(&n.LAN, "192.168.10.0/24")
	setPrefix(&n.PodCIDR, "172.16.0.0/16")
	setPrefix(&n.ServiceCIDR, "10.10.200.0/24")
	setPrefix(&n.LoadBalancerCIDR, "3.35.217.192/26")
	if n.LANMTU == 0 {
		n.LANMTU = 9001
	}
	if n.InternetMTU == 0 {
		n.InternetMTU = 1500
	}
	if len(n.Nodes) == 0 {
		n = n.WithWorkers(3)
	}
	return n
}

// WithWorkers plans nodes named as the walkthrough's: k3s-s at .10 of the LAN and count workers from .101.
func (n Network) WithWorkers(count int) Network {
	setPrefix(&n.LAN, "192.168.10.0/24")
	base := n.LAN.Masked().Addr()
	n.Nodes = []Node{{Name: "k3s-s", Address: add(base, 10)}}
	for i := 1; i <= count; i++ {
		n.Nodes = append(n.Nodes, Node{Name: fmt.Sprintf("k3s-w%d", i), Address: add(base, 100+i)})
	}
	return n
}

func setAddr(a *netip.Addr, value string) {
	if !a.IsValid() {
		*a = netip.MustParseAddr(value)
	}
}

func setPrefix(p *netip.Prefix, value string) {
	if !p.IsValid() {
		*p = netip.MustParsePrefix(value)
	}
}

// Validate says what is wrong with the plan, all of it at once.
func (n Network) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	ranges := n.ranges()
	for i, r := range ranges {
		if !r.prefix.Addr().Is4() {
			fail("%s %s: want an IPv4 range", r.field, r.prefix)
		}
		for _, other := range ranges[:i] {
			if r.prefix.Overlaps(other.prefix) {
				fail("%s %s overlaps %s %s", r.field, r.prefix, other.field, other.prefix)
			}
		}
		for _, outside := range n.outside() {
			if r.prefix.Contains(outside) {
				fail("%s is inside %s %s: the client and the nodes need public addresses of their own", outside, r.field, r.prefix)
			}
		}
	}
	if n.ClientNet().Overlaps(n.LoadBalancerCIDR) {
		fail("loadBalancerCIDR %s overlaps the client's network %s", n.LoadBalancerCIDR, n.ClientNet())
	}
	for _, a := range []netip.Addr{n.ClientAddress, n.PublicAddress} {
		if !a.Is4() {
			fail("%s: want an IPv4 address", a)
		}
	}
	if n.ClientNet().Contains(n.PublicAddress) {
		fail("clientAddress %s and publicAddress %s must be in different /24 networks", n.ClientAddress, n.PublicAddress)
	}
	if n.ClientAddress == n.ClientGateway() {
		fail("clientAddress %s is kept for the router of its network", n.ClientAddress)
	}
	if bits := n.PodCIDR.Bits(); bits > 24 || len(n.Nodes) > 1<<(24-bits) {
		fail("podCIDR %s has no /24 for each of %d nodes", n.PodCIDR, len(n.Nodes))
	}
	if n.ServiceCIDR.Addr().Is4() && !n.ServiceCIDR.Contains(n.ClusterDNS()) {
		fail("serviceCIDR %s has no address %s, which the cluster's DNS server gets: use a /28 or larger", n.ServiceCIDR, n.ClusterDNS())
	}
	if n.InternetMTU < 576 || n.LANMTU < 1280 || n.LANMTU > 65535 || n.InternetMTU > 65535 {
		fail("MTU: want 576 to 65535 for the internet and 1280 to 65535 for the LAN")
	}
	errs = append(errs, n.validateNodes()...)
	return errors.Join(errs...)
}

// namedRange is a range with its field's name.
type namedRange struct {
	field  string
	prefix netip.Prefix
}

// ranges are those that must not overlap.
func (n Network) ranges() []namedRange {
	all := []namedRange{{"lan", n.LAN}, {"podCIDR", n.PodCIDR}, {"serviceCIDR", n.ServiceCIDR}, {"loadBalancerCIDR", n.LoadBalancerCIDR}}
	if n.FurtherServiceCIDR.IsValid() {
		all = append(all, namedRange{"furtherServiceCIDR", n.FurtherServiceCIDR})
	}
	return all
}

// WithManyServices adds a range of 4096 cluster IPs, unless there is a further one, or another network has them.
func (n Network) WithManyServices() Network {
	if n.FurtherServiceCIDR.IsValid() {
		return n
	}
	with := n
	setPrefix(&with.FurtherServiceCIDR, "10.10.208.0/20")
	if with.WithDefaults().Validate() != nil {
		return n
	}
	return with
}

// outside are the addresses of machines on the internet.
func (n Network) outside() []netip.Addr {
	addresses := []netip.Addr{n.ClientAddress, n.PublicAddress}
	if n.PublicAddress.Is4() {
		for i := 1; i < len(n.Nodes); i++ {
			addresses = append(addresses, n.Public(i))
		}
	}
	return addresses
}

func (n Network) validateNodes() (errs []error) {
	if len(n.Nodes) == 0 || len(n.Nodes) > 100 {
		errs = append(errs, fmt.Errorf("%d nodes: want 1 to 100", len(n.Nodes)))
	}
	names, addresses := map[string]bool{}, map[netip.Addr]bool{n.Router(): true, n.LAN.Masked().Addr(): true}
	for _, node := range n.Nodes {
		// A network interface on the router is called after the node, and 15 bytes is the kernel's limit for it.
		if len(node.Name) == 0 || len(node.Name) > 12 {
			errs = append(errs, fmt.Errorf("node name %q: want 1 to 12 characters", node.Name))
		}
		if names[node.Name] || node.Name == "client" || node.Name == "router" {
			errs = append(errs, fmt.Errorf("node name %q is taken", node.Name))
		}
		if !n.LAN.Contains(node.Address) || addresses[node.Address] {
			errs = append(errs, fmt.Errorf("node %s: address %s is taken or not in the LAN %s", node.Name, node.Address, n.LAN))
		}
		names[node.Name], addresses[node.Address] = true, true
	}
	return errs
}

// Router is the router's address on the LAN.
func (n Network) Router() netip.Addr { return n.LAN.Masked().Addr().Next() }

// ClientNet is the network of the client.
func (n Network) ClientNet() netip.Prefix { return netip.PrefixFrom(n.ClientAddress, 24).Masked() }

// ClientGateway is the router's address there.
func (n Network) ClientGateway() netip.Addr { return n.ClientNet().Addr().Next() }

// Public is the public address of the i-th node.
func (n Network) Public(i int) netip.Addr { return add(n.PublicAddress, i) }

// Pods is the pod range of the i-th node.
func (n Network) Pods(i int) netip.Prefix {
	return netip.PrefixFrom(add(n.PodCIDR.Masked().Addr(), i<<8), 24)
}

// PodGateway is the address of the i-th node's bridge in its pod range.
func (n Network) PodGateway(i int) netip.Addr { return n.Pods(i).Addr().Next() }

// Tunnel is the i-th node's end of flannel's tunnel, which has the pod range's network address.
func (n Network) Tunnel(i int) netip.Addr { return n.Pods(i).Addr() }

// KubernetesService is the cluster IP of the API server.
func (n Network) KubernetesService() netip.Addr { return n.ServiceCIDR.Masked().Addr().Next() }

// dnsOffset is the number of the DNS server's address in the range of cluster IPs, by convention of kubeadm and K3s.
const dnsOffset = 10

// ClusterDNS is the cluster IP of the DNS server.
func (n Network) ClusterDNS() netip.Addr { return add(n.ServiceCIDR.Masked().Addr(), dnsOffset) }

func add(a netip.Addr, n int) netip.Addr {
	b := a.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += uint32(n)
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}
