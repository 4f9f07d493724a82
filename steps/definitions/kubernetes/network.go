package kubernetes

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// addressTimeout bounds the wait until a Service has the address of a load balancer, announceTimeout that until a node
	// announces it.
	addressTimeout  = 15 * time.Second
	announceTimeout = 20 * time.Second
	// dnsTimeout bounds the wait for the cluster's DNS server, which may start after the cluster.
	dnsTimeout = 60 * time.Second
	dnsService = "kube-dns" // in every cluster, whatever its DNS server
)

// networkSteps are about what a cluster's network offers: load balancers and names.
type networkSteps struct {
	objects *objects.API
	// balancers is nil if the cluster has no load balancers that pass requests on unchanged.
	balancers clusters.LoadBalancers
	// cables is nil if the nodes can't be disconnected.
	cables Cables
}

func (n networkSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the Service "([^"]*)" has a load balancer`,
			Example: `the Service "echo" has a load balancer`,
			Handler: n.hasLoadBalancer,
		},
		{
			Pattern: `the node that announces the load balancer of "([^"]*)" is disconnected from the network`,
			Example: `the node that announces the load balancer of "echo" is disconnected from the network`,
			Handler: n.disconnectAnnouncer,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the cluster's DNS server is ready`,
			Example: `the cluster's DNS server is ready`,
			Handler: n.dnsReady,
		},
	}
}

// hasLoadBalancer waits until the client outside can use the address of a Service of type LoadBalancer: the Service has
// one, and a node announces it.
func (n networkSteps) hasLoadBalancer(ctx context.Context, service string) error {
	if n.balancers == nil {
		return fmt.Errorf("the cluster has no load balancers whose addresses its nodes announce: %w", clusters.ErrUnsupported)
	}
	var address netip.Addr
	err := world.From(ctx).Eventually(ctx, addressTimeout, func(ctx context.Context) (err error) {
		address, err = n.address(ctx, service)
		return err
	})
	if err != nil {
		return err
	}
	_, err = n.announcer(ctx, address)
	return err
}

func (n networkSteps) address(ctx context.Context, service string) (netip.Addr, error) {
	namespace, name := world.From(ctx).Qualify(service)
	found, err := n.objects.Workloads.Clientset.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("reading Service %s/%s: %w", namespace, name, err)
	}
	for _, ingress := range found.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(ingress.IP); err == nil {
			return address, nil
		}
	}
	return netip.Addr{}, world.Failure(fmt.Sprintf("Service %s/%s has a load balancer", namespace, name), "its status has no address",
		fmt.Sprintf("kubectl describe service -n %s %s", namespace, name))
}

// announcer waits until a node announces an address.
func (n networkSteps) announcer(ctx context.Context, address netip.Addr) (node string, err error) {
	err = world.From(ctx).Eventually(ctx, announceTimeout, func(ctx context.Context) (err error) {
		if node, err = n.balancers.AnnouncingNode(ctx, address); err == nil && node == "" {
			err = world.Failure(fmt.Sprintf("a node announces %s", address), "none does", "the Leases in the namespace kube-system")
		}
		return err
	})
	return node, err
}

// disconnectAnnouncer disconnects a node from the network until the scenario ends.
func (n networkSteps) disconnectAnnouncer(ctx context.Context, service string) error {
	if n.balancers == nil || n.cables == nil {
		return fmt.Errorf("the nodes of the cluster can't be disconnected: %w", clusters.ErrUnsupported)
	}
	address, err := n.address(ctx, service)
	if err != nil {
		return err
	}
	node, err := n.announcer(ctx, address)
	if err != nil {
		return err
	}
	reconnect, err := n.cables.Disconnect(ctx, node)
	if err != nil {
		return err
	}
	scenario := world.From(ctx)
	scenario.AtEnd(reconnect)
	scenario.Attach(evidence.Text{Title: "The announcing node", Body: fmt.Sprintf("%s announced %s and was disconnected.", node, address)})
	return nil
}

// dnsReady waits until the Service of the cluster's DNS server has an endpoint.
func (n networkSteps) dnsReady(ctx context.Context) error {
	if _, err := n.objects.Workloads.Clientset.CoreV1().Services(metav1.NamespaceSystem).Get(ctx, dnsService, metav1.GetOptions{}); err != nil {
		return fmt.Errorf("the cluster has no DNS server that is known: reading Service %s/%s: %w: %w", metav1.NamespaceSystem, dnsService, err, clusters.ErrUnsupported)
	}
	return world.From(ctx).Eventually(ctx, dnsTimeout, func(ctx context.Context) error {
		slices, err := n.objects.Workloads.Endpoints(ctx, metav1.NamespaceSystem, dnsService)
		if err != nil {
			return err
		}
		if !anyReady(slices) {
			return world.Failure("the cluster's DNS server is ready", "its Service has no ready endpoint", "kubectl get pods -n kube-system")
		}
		return nil
	})
}

func anyReady(slices []discoveryv1.EndpointSlice) bool {
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				return true
			}
		}
	}
	return false
}
