package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// streams makes the ports that the ConfigMaps of TCP and UDP services list.
type streams struct {
	upstreams *upstreams
	limits    route.StreamLimits
	list      []route.Stream
}

// all lists the ports of both ConfigMaps, by their numbers.
func (s *streams) all() []route.Stream {
	settings := &s.upstreams.snapshot.Settings
	s.add(settings.TCPServices, route.TCP)
	s.add(settings.UDPServices, route.UDP)
	slices.SortFunc(s.list, func(a, b route.Stream) int {
		return cmp.Or(cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.Port, b.Port))
	})
	return s.list
}

func (s *streams) add(key types.NamespacedName, transport route.Transport) {
	if key.Name == "" {
		return
	}
	held := s.upstreams.snapshot.ConfigMaps[key]
	if held == nil {
		s.warn(&corev1.ConfigMap{}, key, ConfigMapNotFound, fmt.Sprintf("the ConfigMap of %s services does not exist", transport))
		return
	}
	for _, port := range slices.Sorted(maps.Keys(held.Data)) {
		made, reason, fault := s.stream(transport, port, held.Data[port])
		if fault != "" {
			s.warn(held, key, reason, fmt.Sprintf("%s port %q: %s", transport, port, fault))
		}
		if reason != InvalidConfigMap {
			s.list = append(s.list, made)
		}
	}
}

// stream makes the stream of a port. Only if the reason of a fault is InvalidConfigMap, there is none; others have no
// endpoints.
func (s *streams) stream(transport route.Transport, port, text string) (made route.Stream, reason Reason, fault string) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || port != strconv.FormatUint(number, 10) {
		return made, InvalidConfigMap, "it must be a number from 1 to 65535"
	}
	settings := &s.upstreams.snapshot.Settings
	if transport == route.TCP && slices.Contains(settings.OwnPorts, int(number)) {
		return made, InvalidConfigMap, "the controller listens on this port itself; choose another"
	}
	backend, err := config.ParseStreamBackend(text)
	switch {
	case err != nil:
		return made, InvalidConfigMap, fmt.Sprintf("%q is not valid: %v", text, err)
	case transport == route.UDP && (backend.AcceptProxy || backend.SendProxy):
		return made, InvalidConfigMap, "the PROXY protocol is for TCP"
	}
	made = route.Stream{
		Transport: transport, Port: uint16(number), AcceptProxy: backend.AcceptProxy, SendProxy: backend.SendProxy, Limits: s.limits,
		Service: route.ServiceRef{Namespace: backend.Service.Namespace, Name: backend.Service.Name, Port: backend.Port},
	}
	if transport == route.UDP {
		made.Limits.Attempts, made.Limits.Trying = 0, 0
	} else {
		made.Limits.Responses = 0
	}
	endpoints, wrong := s.endpoints(transport, backend)
	if wrong != nil {
		return made, wrong.reason, wrong.message
	}
	made.Endpoints = endpoints
	return made, "", ""
}

func (s *streams) endpoints(transport route.Transport, backend config.StreamBackend) ([]route.Endpoint, *fault) {
	if transport == route.TCP {
		made, fault := s.upstreams.make("", upstreamKey{
			service: service{namespace: backend.Service.Namespace, name: backend.Service.Name, port: backend.Port},
		})
		return made.Endpoints, fault
	}
	svc := s.upstreams.snapshot.Services[backend.Service]
	if svc == nil {
		return nil, &fault{ServiceNotFound, fmt.Sprintf("Service %q does not exist", backend.Service)}
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return s.upstreams.external(svc, backend.Port)
	}
	port, ok := serviceport.FindOf(svc, backend.Port, corev1.ProtocolUDP)
	if !ok {
		return nil, &fault{PortNotFound, fmt.Sprintf("Service %q has no UDP port %s, neither as port or name nor as target port",
			backend.Service, backend.Port)}
	}
	found := serviceport.Endpoints(svc, port, s.upstreams.snapshot.EndpointSlices[snapshot.Key(svc)])
	s.upstreams.streamed[backend.Service] = true
	if len(found) == 0 {
		return nil, &fault{NoEndpoints, fmt.Sprintf("Service %q has no ready endpoints for port %s", backend.Service, backend.Port)}
	}
	return routeEndpoints(found), nil
}

func (s *streams) warn(held *corev1.ConfigMap, key types.NamespacedName, reason Reason, message string) {
	severity := Warning
	if reason == NoEndpoints {
		severity = Notice
	}
	s.upstreams.problems.add(Problem{
		Severity: severity, Reason: reason, Message: message,
		Object: Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: key.Namespace, Name: key.Name, UID: held.UID},
	})
}
