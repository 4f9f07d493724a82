package admission

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

// checkPorts checks that no other Pod has one of the Pod's host ports. With hostNetwork all ports are host ports: the API
// server fills them in.
func checkPorts(pod *corev1.Pod, others []*corev1.Pod) *Rejection {
	var taken []corev1.ContainerPort
	for _, other := range others {
		taken = append(taken, HostPorts(other)...)
	}
	for _, port := range HostPorts(pod) {
		if slices.ContainsFunc(taken, func(t corev1.ContainerPort) bool { return conflict(port, t) }) {
			return predicate(ReasonNodePorts, "node(s) didn't have free ports for the requested pod ports")
		}
	}
	return nil
}

// HostPorts returns the ports of a Pod's main containers and sidecars that have a host port, with their protocol.
func HostPorts(pod *corev1.Pod) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	add := func(c *corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort == 0 {
				continue
			}
			if p.Protocol == "" {
				p.Protocol = corev1.ProtocolTCP
			}
			ports = append(ports, p)
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; podstatus.IsSidecar(c) {
			add(c)
		}
	}
	return ports
}

func conflict(a, b corev1.ContainerPort) bool {
	return a.HostPort == b.HostPort && a.Protocol == b.Protocol && (a.HostIP == b.HostIP || anyAddress(a.HostIP) || anyAddress(b.HostIP))
}

func anyAddress(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
