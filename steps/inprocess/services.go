package inprocess

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
)

// services gives Services cluster IPs, and EndpointSlices to those that select Pods.
type services struct {
	allocated map[types.NamespacedName]string
}

func (s *services) update(held *apiserver.Objects) error {
	all, err := apiserver.Typed[corev1.Service](held, "services")
	if err != nil {
		return err
	}
	running, err := apiserver.Typed[corev1.Pod](held, "pods")
	if err != nil {
		return err
	}
	existing := map[types.NamespacedName]bool{}
	for _, service := range all {
		name := types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
		existing[name] = true
		if service.Spec.Type != corev1.ServiceTypeExternalName && service.Spec.ClusterIP == "" {
			service.Spec.ClusterIP = s.address(name)
			if err := held.Put(service); err != nil {
				return err
			}
		}
		if len(service.Spec.Selector) > 0 {
			if err := held.Put(sliceOf(service, running)); err != nil {
				return err
			}
		}
	}
	return removeSlices(held, existing)
}

// address allocates a cluster IP.
func (s *services) address(of types.NamespacedName) string {
	if s.allocated[of] == "" {
		number := len(s.allocated) + 1
		s.allocated[of] = fmt.Sprintf("10.96.%d.%d", number/250, number%250+1)
	}
	return s.allocated[of]
}

// managed marks the EndpointSlices of Services that select Pods.
const managed = "endpointslice-controller.k8s.io"

func sliceOf(service *corev1.Service, running []*corev1.Pod) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: service.Namespace, Name: service.Name + "-selected",
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: managed},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for _, port := range service.Spec.Ports {
		protocol := port.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: ptr.To(port.Name), Port: ptr.To(number(port, running)), Protocol: &protocol})
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	for _, pod := range running {
		if pod.Namespace == service.Namespace && selector.Matches(labels.Set(pod.Labels)) {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{pod.Status.PodIP}, NodeName: &pod.Spec.NodeName,
				Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true), Serving: ptr.To(true), Terminating: ptr.To(false)},
				TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
			})
		}
	}
	return slice
}

// number is the port that a Service's port leads to; names are those of the Pods' ports.
func number(port corev1.ServicePort, running []*corev1.Pod) int32 {
	switch {
	case port.TargetPort.Type == intstr.String:
		for _, pod := range running {
			for _, container := range pod.Spec.Containers {
				for _, named := range container.Ports {
					if named.Name == port.TargetPort.StrVal {
						return named.ContainerPort
					}
				}
			}
		}
	case port.TargetPort.IntVal != 0:
		return port.TargetPort.IntVal
	}
	return port.Port
}

// removeSlices removes EndpointSlices of Services that are gone.
func removeSlices(held *apiserver.Objects, existing map[types.NamespacedName]bool) error {
	slices, err := apiserver.Typed[discoveryv1.EndpointSlice](held, "endpointslices")
	if err != nil {
		return err
	}
	for _, slice := range slices {
		of := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
		if slice.Labels[discoveryv1.LabelManagedBy] == managed && !existing[of] {
			held.Delete("endpointslices", types.NamespacedName{Namespace: slice.Namespace, Name: slice.Name})
		}
	}
	return nil
}
