package admission

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelpers "k8s.io/component-helpers/resource"
)

// checkResources checks the requests of a Pod against what the others leave of the node's allocatable resources.
func checkResources(pod *corev1.Pod, node *corev1.Node, others []*corev1.Pod) *Rejection {
	allocatable := node.Status.Allocatable
	if most := allocatable.Pods().Value(); int64(len(others))+1 > most {
		return outOf(corev1.ResourcePods, 1, int64(len(others)), most)
	}
	requests := resourcehelpers.PodRequests(pod, resourcehelpers.PodResourcesOptions{})
	used := corev1.ResourceList{}
	for _, other := range others {
		for name, quantity := range resourcehelpers.PodRequests(other, resourcehelpers.PodResourcesOptions{}) {
			sum := used[name]
			sum.Add(quantity)
			used[name] = sum
		}
	}
	for _, name := range inOrder(requests) {
		capacity, known := allocatable[name]
		if !known && isExtended(name) {
			continue // it may be the whole cluster's; the kubelet leaves it to the scheduler
		}
		want := amount(name, requests[name])
		if in := amount(name, used[name]); want > 0 && want > amount(name, capacity)-in {
			return outOf(name, want, in, amount(name, capacity))
		}
	}
	return nil
}

// inOrder returns the names of resources in the order in which the scheduler compares them.
func inOrder(list corev1.ResourceList) []corev1.ResourceName {
	first := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}
	var names, rest []corev1.ResourceName
	for _, name := range first {
		if _, ok := list[name]; ok {
			names = append(names, name)
		}
	}
	for name := range list {
		if !slices.Contains(first, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

// isExtended reports whether a resource is one that Kubernetes does not define, such as "example.com/gpu".
func isExtended(name corev1.ResourceName) bool {
	domain, _, ok := strings.Cut(string(name), "/")
	return ok && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io")
}

// amount is in thousandths of a processor, bytes or pieces.
func amount(name corev1.ResourceName, quantity resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return quantity.MilliValue()
	}
	return quantity.Value()
}

func outOf(name corev1.ResourceName, requested, used, capacity int64) *Rejection {
	return &Rejection{
		Reason: "OutOf" + string(name),
		Message: fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d",
			name, requested, used, capacity),
	}
}
