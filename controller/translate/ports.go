package translate

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// findPort finds the port of a Service that an Ingress means. It may name the port itself, by number or name, or, as
// ingress-nginx also takes it, the port's target: "80" finds a port 9001 whose target port is 80. The port itself
// wins over a target, so that a Service whose ports and targets cross is understood as the Ingress API says.
func findPort(svc *corev1.Service, wanted string) (corev1.ServicePort, bool) {
	rules := []func(corev1.ServicePort) bool{
		func(p corev1.ServicePort) bool { return p.Name == wanted || strconv.Itoa(int(p.Port)) == wanted },
		func(p corev1.ServicePort) bool { target := targetPort(p); return target.String() == wanted },
	}
	for _, rule := range rules {
		for _, port := range svc.Spec.Ports {
			if isTCP(port) && rule(port) {
				return port, true
			}
		}
	}
	return corev1.ServicePort{}, false
}

// targetPort of a port; it is the port's own number if not given (Service v1, "targetPort").
func targetPort(port corev1.ServicePort) intstr.IntOrString {
	if port.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(port.Port)
	}
	return port.TargetPort
}

func isTCP(port corev1.ServicePort) bool {
	return port.Protocol == "" || port.Protocol == corev1.ProtocolTCP
}
