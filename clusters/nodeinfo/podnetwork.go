package nodeinfo

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters"
)

// describePodNetwork fills in what is known of the node's part of the Pod network. kube-proxy masquerades with the
// address of the interface by which a packet leaves the node: the gateway of the Pod range, or whatever the network
// has in its place, to Pods of the same node; the node's own address, or its end of the tunnel, to those of others.
func describePodNetwork(described *clusters.Node, node corev1.Node) {
	annotated := func(names ...string) []netip.Addr {
		var found []netip.Addr
		for _, name := range names {
			// Calico writes some of them as a prefix.
			if address, err := netip.ParseAddr(node.Annotations[name]); err == nil {
				found = append(found, address)
			} else if prefix, err := netip.ParsePrefix(node.Annotations[name]); err == nil {
				found = append(found, prefix.Addr())
			}
		}
		return found
	}
	own := valid(described.InternalIP)
	if calico := annotated(calicoAddress, calicoIPIPTunnel, calicoVXLAN); len(calico) > 0 {
		// Calico hands out blocks of its own and takes no notice of the node's Pod range.
		described.Masquerade = union(own, calico)
		return
	}
	podRange, err := netip.ParsePrefix(node.Spec.PodCIDR)
	if err != nil {
		return
	}
	described.PodCIDR = podRange.Masked()
	first := described.PodCIDR.Addr()
	switch {
	case len(annotated(ciliumHost)) > 0:
		described.PodGateway = annotated(ciliumHost)[0]
		described.Masquerade = union(valid(described.PodGateway), own)
	case node.Annotations[flannelBackend] == "vxlan":
		// flannel's VXLAN device has the first address of the range, its bridge the next.
		described.PodGateway = first.Next()
		described.Masquerade = []netip.Addr{described.PodGateway, first}
	default:
		// The bridge and ptp plug-ins with host-local, which kindnet and others use, keep the first for the node.
		described.PodGateway = first.Next()
		described.Masquerade = union(valid(described.PodGateway), own)
	}
}

func valid(address netip.Addr) []netip.Addr {
	if !address.IsValid() {
		return nil
	}
	return []netip.Addr{address}
}

func union(lists ...[]netip.Addr) []netip.Addr {
	var all []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, list := range lists {
		for _, address := range list {
			if !seen[address] {
				seen[address] = true
				all = append(all, address)
			}
		}
	}
	return all
}
