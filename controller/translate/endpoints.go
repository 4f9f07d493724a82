package translate

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// candidate is an endpoint before it is decided whether it gets requests.
type candidate struct {
	address  netip.AddrPort
	target   *corev1.ObjectReference
	ready    bool
	draining bool // still serving while its Pod terminates
}

// endpoints lists the addresses that serve one port of a Service: those that are ready or, if there is none, those
// that still serve while they terminate (EndpointSlice v1, "Conditions"). Each address is there once, and the order
// depends on nothing but the addresses.
func endpoints(svc *corev1.Service, port corev1.ServicePort, endpointSlices []*discoveryv1.EndpointSlice) []candidate {
	var ready, draining []candidate
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
	slices.SortStableFunc(chosen, func(a, b candidate) int { return a.address.Compare(b.address) })
	return slices.CompactFunc(chosen, func(a, b candidate) bool { return a.address == b.address })
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
func candidates(slice *discoveryv1.EndpointSlice, port uint16) []candidate {
	var all []candidate
	for _, endpoint := range slice.Endpoints {
		ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
		serving := endpoint.Conditions.Serving == nil && ready || ptrValue(endpoint.Conditions.Serving)
		terminating := ptrValue(endpoint.Conditions.Terminating)
		for _, text := range endpoint.Addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				continue // the API server refuses these
			}
			all = append(all, candidate{
				address:  addrPort(address, port),
				target:   endpoint.TargetRef,
				ready:    ready,
				draining: serving && terminating,
			})
		}
	}
	return all
}

// pod is the name of the Pod behind an endpoint; "" if it is something else.
func (c candidate) pod() string {
	if c.target == nil || c.target.Kind != "Pod" {
		return ""
	}
	return c.target.Name
}

func routeEndpoints(found []candidate) []route.Endpoint {
	var list []route.Endpoint
	for _, c := range found {
		list = append(list, route.Endpoint{Address: c.address, Pod: c.pod()})
	}
	return list
}

func foundEndpoints(found []candidate) []FoundEndpoint {
	var list []FoundEndpoint
	for _, c := range found {
		list = append(list, FoundEndpoint{Address: c.address.Addr().String(), Port: c.address.Port(), Target: c.target})
	}
	return list
}

func ptrValue[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

func addrPort(address netip.Addr, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(address.Unmap().WithZone(""), port)
}

// findPort finds the port of a Service that an Ingress means. It may name the port itself, by number or name, or, as
// ingress-nginx also takes it, the port's target: "80" finds a port 9001 whose target port is 80. The port itself
// wins over a target, so that a Service whose ports and targets cross is understood as the Ingress API says.
func findPort(svc *corev1.Service, wanted string) (corev1.ServicePort, bool) {
	return findPortOf(svc, wanted, corev1.ProtocolTCP)
}

// findPortOf is findPort for any protocol.
func findPortOf(svc *corev1.Service, wanted string, protocol corev1.Protocol) (corev1.ServicePort, bool) {
	rules := []func(corev1.ServicePort) bool{
		func(p corev1.ServicePort) bool { return p.Name == wanted || strconv.Itoa(int(p.Port)) == wanted },
		func(p corev1.ServicePort) bool { target := targetPort(p); return target.String() == wanted },
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

// targetPort of a port; it is the port's own number if not given (Service v1, "targetPort").
func targetPort(port corev1.ServicePort) intstr.IntOrString {
	if port.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(port.Port)
	}
	return port.TargetPort
}
