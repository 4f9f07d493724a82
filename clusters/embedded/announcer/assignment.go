package announcer

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// proxyHealthPort is where kube-proxy reports its health. A load balancer checks it for Services with the external traffic
// policy Cluster (Kubernetes documentation, "Virtual IPs and Service Proxies").
const proxyHealthPort = 10256

// assignment is an address of a load balancer, and how a node finds out whether it can serve it.
type assignment struct {
	service types.NamespacedName
	uid     types.UID
	// healthPort is the port of the node that answers with the status 200 if the node can serve the address.
	healthPort int32
}

// assignments returns the addresses of the pool that Services have, by address.
func assignments(services []*corev1.Service, pool netip.Prefix) map[netip.Addr]assignment {
	found := map[netip.Addr]assignment{}
	for _, service := range services {
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.DeletionTimestamp != nil {
			continue
		}
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			address, err := netip.ParseAddr(ingress.IP)
			if err != nil || !pool.Contains(address) {
				continue // of another kind of load balancer
			}
			found[address] = assignment{
				service: types.NamespacedName{Namespace: service.Namespace, Name: service.Name}, uid: service.UID,
				healthPort: healthPort(service),
			}
		}
	}
	return found
}

// healthPort is the health-check node port of a Service with the policy Local, at which kube-proxy reports whether the node
// has endpoints of it, and otherwise the port of kube-proxy itself.
func healthPort(service *corev1.Service) int32 {
	if service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal && service.Spec.HealthCheckNodePort != 0 {
		return service.Spec.HealthCheckNodePort
	}
	return proxyHealthPort
}

// reference is the Service, as events refer to it.
func (a assignment) reference() *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Service", Namespace: a.service.Namespace, Name: a.service.Name, UID: a.uid,
	}
}

// LeaseName is the name of the Lease that the announcing node of an address holds, in the namespace kube-system.
func LeaseName(address netip.Addr) string { return fmt.Sprintf("load-balancer-%s", address) }
