package status

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// address is an IP address, or a host name if the text is none.
func address(text string) networkingv1.IngressLoadBalancerIngress {
	if _, err := netip.ParseAddr(text); err == nil {
		return networkingv1.IngressLoadBalancerIngress{IP: text}
	}
	return networkingv1.IngressLoadBalancerIngress{Hostname: text}
}

// Of lists addresses in a canonical order, without duplicates and empty ones.
func Of(texts []string) []networkingv1.IngressLoadBalancerIngress {
	texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
		return text == "" || text == corev1.ClusterIPNone
	})
	slices.Sort(texts)
	var list []networkingv1.IngressLoadBalancerIngress
	for _, text := range slices.Compact(texts) {
		list = append(list, address(text))
	}
	return list
}

// OfService are the addresses at which a Service is reached, as ingress-nginx understands --publish-service: those of
// the load balancer and the external ones for type LoadBalancer, the external ones or else the cluster's own for type
// NodePort, the cluster's own for type ClusterIP, the name for type ExternalName.
func OfService(service *corev1.Service) []networkingv1.IngressLoadBalancerIngress {
	spec := service.Spec
	switch spec.Type {
	case corev1.ServiceTypeExternalName:
		return Of([]string{spec.ExternalName})
	case corev1.ServiceTypeLoadBalancer:
		texts := slices.Clone(spec.ExternalIPs)
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			texts = append(texts, cmp.Or(ingress.IP, ingress.Hostname))
		}
		return Of(texts)
	case corev1.ServiceTypeNodePort:
		if len(spec.ExternalIPs) > 0 {
			return Of(spec.ExternalIPs)
		}
	case corev1.ServiceTypeClusterIP:
	}
	return Of([]string{spec.ClusterIP})
}

// OfNodes are the addresses of the nodes that ready Pods of the controller run on: their external ones or, where a
// node has none or internal ones are preferred, the internal ones.
func OfNodes(pods []*corev1.Pod, node func(name string) *corev1.Node, preferInternal bool,
) []networkingv1.IngressLoadBalancerIngress {
	var texts []string
	for _, pod := range pods {
		if !isReady(pod) {
			continue
		}
		if found := node(pod.Spec.NodeName); found != nil {
			texts = append(texts, nodeAddress(found, preferInternal))
		}
	}
	return Of(texts)
}

func nodeAddress(node *corev1.Node, preferInternal bool) string {
	kinds := []corev1.NodeAddressType{corev1.NodeExternalIP, corev1.NodeInternalIP}
	if preferInternal {
		slices.Reverse(kinds)
	}
	for _, kind := range kinds {
		for _, address := range node.Status.Addresses {
			if address.Type == kind {
				return address.Address
			}
		}
	}
	return ""
}

func isReady(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	return slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	})
}
