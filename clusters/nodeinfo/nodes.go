// Package nodeinfo reads a cluster's nodes and their addresses from its API, for clusters whose network is made by
// others.
package nodeinfo

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters"
)

// Annotations by which the makers of Pod networks tell a node's addresses.
const (
	flannelBackend   = "flannel.alpha.coreos.com/backend-type"
	calicoAddress    = "projectcalico.org/IPv4Address"
	calicoIPIPTunnel = "projectcalico.org/IPv4IPIPTunnelAddr"
	calicoVXLAN      = "projectcalico.org/IPv4VXLANTunnelAddr"
	ciliumHost       = "network.cilium.io/ipv4-cilium-host"
)

// controlPlaneLabels mark the nodes of a control plane; the second is what clusters before Kubernetes 1.24 have.
func controlPlaneLabels() []string {
	return []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
}

// Nodes lists the nodes, those of the control plane first, and otherwise by name. Where the control plane is hidden,
// as it is on managed clusters, no node is special. The ExternalIP is what the node says of itself, or else its
// InternalIP.
func Nodes(ctx context.Context, clientset kubernetes.Interface) ([]clusters.Node, error) {
	list, err := clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the nodes: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Node) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
	})
	nodes := make([]clusters.Node, 0, len(list.Items))
	for _, node := range list.Items {
		nodes = append(nodes, describe(node))
	}
	return nodes, nil
}

func rank(node corev1.Node) int {
	for _, label := range controlPlaneLabels() {
		if _, ok := node.Labels[label]; ok {
			return 0
		}
	}
	return 1
}

func describe(node corev1.Node) clusters.Node {
	described := clusters.Node{
		Name:       node.Name,
		InternalIP: addressOf(node, corev1.NodeInternalIP),
		ExternalIP: addressOf(node, corev1.NodeExternalIP),
	}
	if !described.ExternalIP.IsValid() {
		described.ExternalIP = described.InternalIP
	}
	describePodNetwork(&described, node)
	return described
}

// addressOf prefers IPv4, which is what the Pod networks here are about.
func addressOf(node corev1.Node, kind corev1.NodeAddressType) netip.Addr {
	var found netip.Addr
	for _, address := range node.Status.Addresses {
		parsed, err := netip.ParseAddr(address.Address)
		if address.Type != kind || err != nil {
			continue
		}
		if parsed.Is4() {
			return parsed
		}
		if !found.IsValid() {
			found = parsed
		}
	}
	return found
}
