package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/hostclient"
)

const (
	// kubeletPort is open on every node, if not to everyone. A refusal also proves that the node can be reached.
	kubeletPort = 10250
	// probeTimeout bounds the wait for a node that doesn't respond.
	probeTimeout = 1500 * time.Millisecond
)

// route is the path from this machine to the controller.
type route struct {
	reach clusters.Reach
	// internal is true if the nodes are reached at their internal addresses.
	internal bool
	client   clusters.Client
}

// findRoute returns the path that was chosen, or detects one.
func (c Config) findRoute(ctx context.Context, access *access, nodes []clusters.Node) (route, error) {
	installed, err := c.installed(ctx, access.clientset)
	if err != nil {
		return route{}, err
	}
	if c.Reach == "" {
		simulated, err := isSimulated(ctx, access.clientset)
		if err != nil {
			return route{}, err
		}
		if simulated {
			c.Reach = clusters.ReachPortForward
		}
	}
	found := route{reach: c.Reach}
	if (c.Reach == "" && hasNodePorts(installed)) || c.Reach == clusters.ReachNodePort {
		switch {
		case responds(ctx, nodes[0].ExternalIP):
			found.reach = clusters.ReachNodePort
		case responds(ctx, nodes[0].InternalIP):
			found.reach, found.internal = clusters.ReachNodePort, true
		case c.Reach == clusters.ReachNodePort:
			return route{}, fmt.Errorf("node %s can't be reached from this machine, neither at %s nor at %s: choose another --reach",
				nodes[0].Name, nodes[0].ExternalIP, nodes[0].InternalIP)
		}
	}
	if found.reach == "" {
		balanced := installed != nil && len(installed.Status.LoadBalancer.Ingress) > 0
		if installed == nil {
			if balanced, err = hasLoadBalancers(ctx, access.clientset); err != nil {
				return route{}, err
			}
		}
		found.reach = clusters.ReachPortForward
		if balanced {
			found.reach = clusters.ReachLoadBalancer
		}
	}
	switch found.reach {
	case clusters.ReachNodePort:
		target := nodes[0].ExternalIP
		if found.internal {
			target = nodes[0].InternalIP
		}
		address, err := c.clientAddress(ctx, target)
		if err != nil {
			return route{}, err
		}
		found.client = hostclient.At(address)
	case clusters.ReachLoadBalancer:
		found.client = &balanced{services: services{access.clientset}, address: c.ClientAddress}
	default:
		found.client = newForwarded(access)
	}
	return found, nil
}

// installed returns the Service of the controller that the cluster has already; nil if the run deploys one.
func (c Config) installed(ctx context.Context, clientset kubernetes.Interface) (*corev1.Service, error) {
	if c.deploys() {
		return nil, nil //nolint:nilnil // see above
	}
	service, err := clientset.CoreV1().Services(c.Controller.Namespace).Get(ctx, c.Controller.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("the cluster has no Service %s: give the one that leads to the ingress controller (kubectl get services -A)", c.Controller)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ingress controller's Service %s: %w", c.Controller, err)
	}
	return service, nil
}

// hasNodePorts reports whether requests can come by node ports. The Service of a controller that the run deploys gets them.
func hasNodePorts(service *corev1.Service) bool {
	return service == nil || slices.ContainsFunc(service.Spec.Ports, func(port corev1.ServicePort) bool { return port.NodePort != 0 })
}

// isSimulated reports whether the cluster is an embedded one. The addresses of its nodes and load balancers exist inside only; on
// this machine's network they are those of strangers, who may even answer.
func isSimulated(ctx context.Context, clientset kubernetes.Interface) (bool, error) {
	nodes, err := clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return false, fmt.Errorf("reading the container runtime of a node: %w", err)
	}
	return len(nodes.Items) > 0 && strings.HasPrefix(nodes.Items[0].Status.NodeInfo.ContainerRuntimeVersion, "testbed://"), nil
}

// responds reports whether packets get to an address and back.
func responds(ctx context.Context, address netip.Addr) bool {
	if !address.IsValid() {
		return false
	}
	dialer := net.Dialer{Timeout: probeTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(address, kubeletPort).String())
	if err == nil {
		conn.Close()
	}
	return err == nil || errors.Is(err, syscall.ECONNREFUSED)
}

// clientAddress returns the address that was given, or the source address of the route. From a private address to a public
// one there is address translation, and the address that the nodes see is unknown: then it is the zero Addr.
func (c Config) clientAddress(ctx context.Context, target netip.Addr) (netip.Addr, error) {
	if c.ClientAddress.IsValid() {
		return c.ClientAddress, nil
	}
	local, err := hostclient.New(ctx, target)
	if err != nil {
		return netip.Addr{}, err
	}
	if local.Addr().IsPrivate() && !target.IsPrivate() {
		return netip.Addr{}, nil
	}
	return local.Addr(), nil
}

// hasLoadBalancers reports whether any Service has the address of a load balancer.
func hasLoadBalancers(ctx context.Context, clientset kubernetes.Interface) (bool, error) {
	list, err := clientset.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("listing the Services, to see whether there are load balancers: %w", err)
	}
	for _, service := range list.Items {
		if service.Spec.Type == corev1.ServiceTypeLoadBalancer && len(service.Status.LoadBalancer.Ingress) > 0 {
			return true, nil
		}
	}
	return false, nil
}
