// Package nodes finds the nodes of a cluster and their properties.
package nodes

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/ingress-testbed/testbed/clusters"
)

// List is the nodes of a cluster: the one with the control plane first, then the workers.
type List []clusters.Node

// ByName finds a node.
func (l List) ByName(name string) (clusters.Node, error) {
	for _, node := range l {
		if node.Name == name {
			return node, nil
		}
	}
	return clusters.Node{}, fmt.Errorf("the cluster has no node %q", name)
}

// Worker returns a worker by its number, from 1. The error wraps clusters.ErrUnsupported if the cluster has fewer.
func (l List) Worker(number int) (clusters.Node, error) {
	if number >= len(l) {
		return clusters.Node{}, fmt.Errorf("the scenario needs %d workers and the cluster has %d: %w", number, len(l)-1, clusters.ErrUnsupported)
	}
	return l[number], nil
}

// Any stands for a node that isn't known. It has the addresses that any of the nodes masquerades with.
func (l List) Any() clusters.Node {
	anyNode := clusters.Node{Name: "any node"}
	for _, node := range l {
		anyNode.Masquerade = append(anyNode.Masquerade, node.Masquerade...)
	}
	return anyNode
}

// Properties are the names that Property accepts.
func Properties() []string {
	return []string{"address", "external address", "pod gateway", "pod range", "masquerade"}
}

// Property returns a property of a node as text. "masquerade" is a pattern that matches any of the addresses that the
// node masquerades with; the others are an address or a range (CIDR). The error wraps clusters.ErrUnsupported if the
// cluster doesn't report the property.
func Property(node clusters.Node, property string) (string, error) {
	var value fmt.Stringer
	var valid bool
	switch property {
	case "address":
		value, valid = node.InternalIP, node.InternalIP.IsValid()
	case "external address":
		value, valid = node.ExternalIP, node.ExternalIP.IsValid()
	case "pod gateway":
		value, valid = node.PodGateway, node.PodGateway.IsValid()
	case "pod range":
		value, valid = node.PodCIDR, node.PodCIDR.IsValid()
	case "masquerade":
		return anyOf(node.Masquerade)
	default:
		return "", fmt.Errorf("a node has no property %q; known are: %s", property, strings.Join(Properties(), ", "))
	}
	if !valid {
		return "", fmt.Errorf("the cluster does not report the %s of node %s: %w", property, node.Name, clusters.ErrUnsupported)
	}
	return value.String(), nil
}

// anyOf returns a pattern that matches each of the addresses.
func anyOf(addresses []netip.Addr) (string, error) {
	if len(addresses) == 0 {
		return "", fmt.Errorf("the cluster does not report the addresses that its nodes masquerade with: %w", clusters.ErrUnsupported)
	}
	quoted := make([]string, 0, len(addresses))
	for _, address := range addresses {
		quoted = append(quoted, regexp.QuoteMeta(address.String()))
	}
	return "/" + strings.Join(quoted, "|") + "/", nil
}
