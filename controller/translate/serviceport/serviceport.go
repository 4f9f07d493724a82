// Package serviceport finds the port of a Service that an Ingress means, and the addresses that serve it.
package serviceport

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Endpoint is an address that serves a port of a Service.
type Endpoint struct {
	Address netip.AddrPort
	Target  *corev1.ObjectReference // what is behind it; nil if that is not known

	ready    bool
	draining bool // still serving while its Pod terminates
}

// Endpoints lists the addresses that serve one port of a Service: those that are ready or, if there is none, those
// that still serve while they terminate (EndpointSlice v1, "Conditions"). Each address is there once, and the order
// depends on nothing but the addresses.
func Endpoints(svc *corev1.Service, port corev1.ServicePort, endpointSlices []*discoveryv1.EndpointSlice) []Endpoint {
	var ready, draining []Endpoint
	for _, slice := range endpointSlices {
		if !sameFamily(svc, slice) {
			continue
		}
		for _, number := range portNumbers(slice, port) {
			for _, c := range candidates(slice, number) {
				switch {
				case c.ready:
					ready = append(ready, c)
				case c.draining:
					draining = append(draining, c)
				}
			}
		}
	}
	chosen := ready
	if len(chosen) == 0 {
		chosen = draining
	}
	slices.SortStableFunc(chosen, func(a, b Endpoint) int { return a.Address.Compare(b.Address) })
	return slices.CompactFunc(chosen, func(a, b Endpoint) bool { return a.Address == b.Address })
}

// sameFamily leaves out the slices of a dual-stack Service's second IP family: its Pods are the same ones again.
func sameFamily(svc *corev1.Service, slice *discoveryv1.EndpointSlice) bool {
	if slice.AddressType == discoveryv1.AddressTypeFQDN {
		return false
	}
	if len(svc.Spec.IPFamilies) == 0 {
		return true
	}
	return string(slice.AddressType) == string(svc.Spec.IPFamilies[0])
}

// portNumbers finds what a Service's port is called in a slice: the port of the same name. The number may differ from
// slice to slice, because a named target port is resolved for each Pod.
func portNumbers(slice *discoveryv1.EndpointSlice, port corev1.ServicePort) []uint16 {
	var numbers []uint16
	for _, candidate := range slice.Ports {
		protocol := cmp.Or(ptrValue(candidate.Protocol), corev1.ProtocolTCP)
		if ptrValue(candidate.Name) != port.Name || protocol != cmp.Or(port.Protocol, corev1.ProtocolTCP) {
			continue
		}
		if candidate.Port != nil {
			numbers = appendPort(numbers, *candidate.Port)
		} else {
			numbers = appendTargetPort(numbers, port) // no number: every port is meant
		}
	}
	if len(slice.Ports) == 0 {
		numbers = appendTargetPort(numbers, port) // a slice without ports says nothing about them
	}
	return numbers
}

func appendTargetPort(numbers []uint16, port corev1.ServicePort) []uint16 {
	if port.TargetPort.Type != intstr.Int {
		return numbers
	}
	return appendPort(numbers, cmp.Or(port.TargetPort.IntVal, port.Port))
}

func appendPort(numbers []uint16, number int32) []uint16 {
	if number < 1 || number > 65535 {
		return numbers
	}
	return append(numbers, uint16(number))
}

// candidates are the endpoints of a slice. Conditions that are not given mean ready, and serving where ready
// (EndpointSlice v1, "EndpointConditions").
func candidates(slice *discoveryv1.EndpointSlice, port uint16) []Endpoint {
	var all []Endpoint
	for _, endpoint := range slice.Endpoints {
		ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
		serving := endpoint.Conditions.Serving == nil && ready || ptrValue(endpoint.Conditions.Serving)
		terminating := ptrValue(endpoint.Conditions.Terminating)
		for _, text := range endpoint.Addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				continue // the API server refuses these
			}
			all = append(all, Endpoint{
				Address:  AddrPort(address, port),
				Target:   endpoint.TargetRef,
				ready:    ready,
				draining: serving && terminating,
			})
		}
	}
	return all
}

// Pod is the name of the Pod behind an endpoint; "" if it is something else.
func (e Endpoint) Pod() string {
	if e.Target == nil || e.Target.Kind != "Pod" {
		return ""
	}
	return e.Target.Name
}

func ptrValue[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// AddrPort is an address of IPv4 or IPv6, without a zone, and a port.
func AddrPort(address netip.Addr, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(address.Unmap().WithZone(""), port)
}

// Find finds the port of a Service that an Ingress means. It may name the port itself, by number or name, or, as
// ingress-nginx also takes it, the port's target: "80" finds a port 9001 whose target port is 80. The port itself
// wins over a target, so that a Service whose ports and targets cross is understood as the Ingress API says.
func Find(svc *corev1.Service, wanted string) (corev1.ServicePort, bool) {
	return FindOf(svc, wanted, corev1.ProtocolTCP)
}

// FindOf is Find for any protocol.
func FindOf(svc *corev1.Service, wanted string, protocol corev1.Protocol) (corev1.ServicePort, bool) {
	rules := []func(corev1.ServicePort) bool{
		func(p corev1.ServicePort) bool { return p.Name == wanted || strconv.Itoa(int(p.Port)) == wanted },
		func(p corev1.ServicePort) bool { target := Target(p); return target.String() == wanted },
	}
	for _, rule := range rules {
		for _, port := range svc.Spec.Ports {
			if cmp.Or(port.Protocol, corev1.ProtocolTCP) == protocol && rule(port) {
				return port, true
			}
		}
	}
	return corev1.ServicePort{}, false
}

// Target of a port; it is the port's own number if not given (Service v1, "targetPort").
func Target(port corev1.ServicePort) intstr.IntOrString {
	if port.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(port.Port)
	}
	return port.TargetPort
}
