//go:build linux

package podspec

import (
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Runtime is the data of a Pod that only its node has.
type Runtime struct {
	PodIPs, HostIPs []netip.Addr
	// Allocatable resources of the node replace limits that a container doesn't have.
	Allocatable corev1.ResourceList
}

// Field is the value of a field reference of the downward API, such as "metadata.name" or "metadata.labels['app']".
func Field(pod *corev1.Pod, rt Runtime, path string) (string, error) {
	if name, key, ok := subscript(path); ok {
		switch name {
		case "metadata.labels":
			return pod.Labels[key], nil
		case "metadata.annotations":
			return pod.Annotations[key], nil
		}
		return "", fmt.Errorf("field %q cannot have a subscript", path)
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "metadata.labels":
		return formatMap(pod.Labels), nil
	case "metadata.annotations":
		return formatMap(pod.Annotations), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return first(rt.HostIPs), nil
	case "status.hostIPs":
		return joined(rt.HostIPs), nil
	case "status.podIP":
		return first(rt.PodIPs), nil
	case "status.podIPs":
		return joined(rt.PodIPs), nil
	}
	return "", fmt.Errorf("field %q is not one that containers can refer to", path)
}

// subscript splits "metadata.labels['app']".
func subscript(path string) (name, key string, ok bool) {
	name, rest, ok := strings.Cut(path, "['")
	if !ok || !strings.HasSuffix(rest, "']") {
		return "", "", false
	}
	return name, strings.TrimSuffix(rest, "']"), true
}

// formatMap writes one key="value" a line, sorted, as downward API volumes have it.
func formatMap(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for k, v := range m {
		lines = append(lines, k+"="+strconv.Quote(v))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func first(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return ""
	}
	return addrs[0].String()
}

func joined(addrs []netip.Addr) string {
	all := make([]string, len(addrs))
	for i, a := range addrs {
		all[i] = a.String()
	}
	return strings.Join(all, ",")
}

// Resource is the value of a resource reference: a request or limit of a container in units of a divisor, rounded up.
func Resource(container *corev1.Container, rt Runtime, ref *corev1.ResourceFieldSelector) (string, error) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	var list corev1.ResourceList
	switch kind {
	case "limits":
		list = container.Resources.Limits
	case "requests":
		list = container.Resources.Requests
	default:
		return "", fmt.Errorf("resource %q: neither limits nor requests", ref.Resource)
	}
	quantity, ok := list[corev1.ResourceName(name)]
	if !ok && kind == "requests" { // a limit without a request is also the request
		quantity, ok = container.Resources.Limits[corev1.ResourceName(name)]
	}
	if !ok && kind == "limits" {
		quantity = rt.Allocatable[corev1.ResourceName(name)]
	}
	return divided(name, quantity, ref.Divisor), nil
}

func divided(name string, quantity, divisor resource.Quantity) string {
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	value, unit := quantity.Value(), divisor.Value()
	if name == string(corev1.ResourceCPU) {
		value, unit = quantity.MilliValue(), divisor.MilliValue()
	}
	if unit <= 0 {
		unit = 1
	}
	return strconv.FormatInt((value+unit-1)/unit, 10)
}
