package standin

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Slices are the EndpointSlices of the Services, one each. addresses are those of the Pods, all of one family.
func (s *StandIns) Slices(addresses []string) []*discoveryv1.EndpointSlice {
	family := discoveryv1.AddressTypeIPv4
	if len(addresses) > 0 && strings.Contains(addresses[0], ":") {
		family = discoveryv1.AddressTypeIPv6
	}
	var all []*discoveryv1.EndpointSlice
	for _, service := range s.Services {
		if service.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		slice := &discoveryv1.EndpointSlice{
			TypeMeta: metav1.TypeMeta{APIVersion: discoveryv1.SchemeGroupVersion.String(), Kind: "EndpointSlice"},
			ObjectMeta: metav1.ObjectMeta{
				Namespace: service.Namespace, Name: shortName("stand-in", service.Name),
				Labels: map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: "ingress-testbed"},
			},
			AddressType: family,
		}
		for _, port := range service.Spec.Ports {
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{
				Name: ptr.To(port.Name), Port: ptr.To(port.TargetPort.IntVal), Protocol: ptr.To(corev1.ProtocolTCP), AppProtocol: port.AppProtocol,
			})
		}
		for _, address := range addresses {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true), Serving: ptr.To(true), Terminating: ptr.To(false)},
			})
		}
		all = append(all, slice)
	}
	return all
}
