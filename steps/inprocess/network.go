package inprocess

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// network stands in for that of a cluster: connections to addresses of Pods and Services lead to listeners of this process.
type network struct {
	mu sync.Mutex
	// listeners are the addresses of listeners by those that they have in the cluster.
	listeners map[string]string
	// services are what the cluster IPs lead to; replaced as a whole.
	services map[string][]string
}

func newNetwork() *network { return &network{listeners: map[string]string{}} }

func (n *network) listen(inCluster, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[inCluster] = address
}

func (n *network) close(inCluster string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, inCluster)
}

// route replaces what cluster IPs lead to.
func (n *network) route(services map[string][]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.services = services
}

// isNodePort reports whether an address is a node port of a Service.
func (n *network) isNodePort(address string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.HasPrefix(address, loopback+":") && len(n.services[address]) > 0
}

// dial connects to what listens for an address of the cluster. Nothing listens at port 9 of the loopback interface, where
// everything else leads, so that connections are really refused.
func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	if endpoints := n.services[address]; len(endpoints) > 0 {
		address = endpoints[rand.IntN(len(endpoints))] //nolint:gosec // as kube-proxy selects an endpoint
	}
	target, found := n.listeners[address]
	n.mu.Unlock()
	if !found {
		target = "127.0.0.1:9"
	}
	connection, err := new(net.Dialer).DialContext(ctx, network, target)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return connection, nil
}

// clusterRoutes are the ready endpoints by the address and port of each Service's cluster IP, and what node ports lead to: the
// endpoints or, if a Service has none, its cluster IP, as with the controller's.
func clusterRoutes(view *view) map[string][]string {
	routes := map[string][]string{}
	for name, service := range view.services {
		address, err := netip.ParseAddr(service.Spec.ClusterIP)
		if err != nil {
			continue
		}
		for _, port := range service.Spec.Ports {
			key := netip.AddrPortFrom(address, uint16(port.Port)).String()
			for _, slice := range view.slices[name] {
				routes[key] = append(routes[key], endpointsOf(slice, port)...)
			}
			if port.NodePort != 0 {
				atNode := netip.AddrPortFrom(netip.MustParseAddr(loopback), uint16(port.NodePort)).String()
				routes[atNode] = routes[key]
				if len(view.slices[name]) == 0 {
					routes[atNode] = []string{key}
				}
			}
		}
	}
	return routes
}

// endpointsOf are the addresses of a slice's ready endpoints for a port.
func endpointsOf(slice *discoveryv1.EndpointSlice, port corev1.ServicePort) []string {
	var addresses []string
	for _, listening := range slice.Ports {
		if listening.Port == nil || listening.Name != nil && *listening.Name != port.Name {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				for _, address := range endpoint.Addresses {
					addresses = append(addresses, net.JoinHostPort(address, fmt.Sprint(*listening.Port)))
				}
			}
		}
	}
	return addresses
}
