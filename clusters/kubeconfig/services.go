package kubeconfig

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters"
)

// balancerTimeout bounds the wait for a load balancer, which clouds take a minute or two for.
const balancerTimeout = 5 * time.Minute

// services finds Services by a node's address and a node port, or by cluster IP and port.
type services struct{ clientset kubernetes.Interface }

// find returns the Service with the cluster IP and port, or with the node port, of "address:port". A cluster has at most
// one.
func (s services) find(ctx context.Context, address string) (*corev1.Service, corev1.ServicePort, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, corev1.ServicePort{}, fmt.Errorf("reading the address %q: %w", address, err)
	}
	port, err := strconv.ParseInt(portText, 10, 32)
	if err != nil {
		return nil, corev1.ServicePort{}, fmt.Errorf("reading the address %q: %w", address, err)
	}
	list, err := s.clientset.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, corev1.ServicePort{}, fmt.Errorf("looking for the Service behind %s: %w", address, err)
	}
	for i, service := range list.Items {
		for _, candidate := range service.Spec.Ports {
			byClusterIP := host != "" && service.Spec.ClusterIP == host && candidate.Port == int32(port)
			if byClusterIP || candidate.NodePort == int32(port) && candidate.NodePort != 0 {
				return &list.Items[i], candidate, nil
			}
		}
	}
	return nil, corev1.ServicePort{}, fmt.Errorf("no Service has the node port of %s, and the cluster's nodes are not reached directly: %w",
		address, clusters.ErrUnsupported)
}

// balanced reaches Services through their load balancers.
type balanced struct {
	services services
	address  netip.Addr
}

// Addr is the address that the user gave: what is in between is unknown.
func (b *balanced) Addr() netip.Addr { return b.address }

// DialContext connects to the load balancer of the Service that has the node port.
func (b *balanced) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var target string
	err := wait.PollUntilContextTimeout(ctx, time.Second, balancerTimeout, true, func(ctx context.Context) (bool, error) {
		service, port, err := b.services.find(ctx, address)
		if err != nil {
			return false, err
		}
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if host := cmp.Or(ingress.IP, ingress.Hostname); host != "" {
				target = net.JoinHostPort(host, strconv.Itoa(int(port.Port)))
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return nil, fmt.Errorf("finding the load balancer for %s: %w", address, err)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, target)
}
