package translate

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// streams makes the ports that the ConfigMaps of TCP and UDP services list.
type streams struct {
	upstreams *upstreams.Builder
	limits    route.StreamLimits
	list      []route.Stream
}

// all lists the ports of both ConfigMaps, by their numbers.
func (s *streams) all() []route.Stream {
	settings := &s.upstreams.Snapshot.Settings
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
	held := s.upstreams.Snapshot.ConfigMaps[key]
	if held == nil {
		s.warn(&corev1.ConfigMap{}, key, problem.ConfigMapNotFound, fmt.Sprintf("the ConfigMap of %s services does not exist", transport))
		return
	}
	for _, port := range slices.Sorted(maps.Keys(held.Data)) {
		made, reason, fault := s.stream(transport, port, held.Data[port])
		if fault != "" {
			s.warn(held, key, reason, fmt.Sprintf("%s port %q: %s", transport, port, fault))
		}
		if reason != problem.InvalidConfigMap {
			s.list = append(s.list, made)
		}
	}
}

// stream makes the stream of a port. If the reason of a fault is InvalidConfigMap, the stream is not usable; after any other
// fault it has no endpoints.
func (s *streams) stream(transport route.Transport, port, text string) (made route.Stream, reason problem.Reason, fault string) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || port != strconv.FormatUint(number, 10) {
		return made, problem.InvalidConfigMap, "it must be a number from 1 to 65535"
	}
	settings := &s.upstreams.Snapshot.Settings
	if transport == route.TCP && slices.Contains(settings.OwnPorts, int(number)) {
		return made, problem.InvalidConfigMap, "the controller listens on this port itself; choose another"
	}
	backend, err := config.ParseStreamBackend(text)
	switch {
	case err != nil:
		return made, problem.InvalidConfigMap, fmt.Sprintf("%q is not valid: %v", text, err)
	case transport == route.UDP && (backend.AcceptProxy || backend.SendProxy):
		return made, problem.InvalidConfigMap, "the PROXY protocol is for TCP"
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
		return made, wrong.Reason, wrong.Message
	}
	made.Endpoints = endpoints
	return made, "", ""
}

func (s *streams) endpoints(transport route.Transport, backend config.StreamBackend) ([]route.Endpoint, *upstreams.Fault) {
	if transport == route.TCP {
		made, fault := s.upstreams.Build("", upstreams.Key{
			Service: rules.Service{Namespace: backend.Service.Namespace, Name: backend.Service.Name, Port: backend.Port},
		})
		return made.Endpoints, fault
	}
	svc := s.upstreams.Snapshot.Services[backend.Service]
	if svc == nil {
		return nil, &upstreams.Fault{Reason: problem.ServiceNotFound, Message: fmt.Sprintf("Service %q does not exist", backend.Service)}
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return s.upstreams.External(svc, backend.Port)
	}
	port, ok := serviceport.FindOf(svc, backend.Port, corev1.ProtocolUDP)
	if !ok {
		return nil, &upstreams.Fault{Reason: problem.PortNotFound, Message: fmt.Sprintf("Service %q has no UDP port %s, neither as port or name nor as target port",
			backend.Service, backend.Port)}
	}
	found := serviceport.Endpoints(svc, port, s.upstreams.Snapshot.EndpointSlices[snapshot.Key(svc)])
	s.upstreams.Streamed[backend.Service] = true
	if len(found) == 0 {
		return nil, &upstreams.Fault{Reason: problem.NoEndpoints, Message: fmt.Sprintf("Service %q has no ready endpoints for port %s", backend.Service, backend.Port)}
	}
	return upstreams.Endpoints(found), nil
}

func (s *streams) warn(held *corev1.ConfigMap, key types.NamespacedName, reason problem.Reason, message string) {
	severity := problem.Warning
	if reason == problem.NoEndpoints {
		severity = problem.Notice
	}
	s.upstreams.Problems.Add(problem.Problem{
		Severity: severity, Reason: reason, Message: message,
		Object: problem.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: key.Namespace, Name: key.Name, UID: held.UID},
	})
}

// passOn forwards the TLS connections of a host to the backend of its path "/" (annotation ssl-passthrough). It returns how
// HTTP requests for the path are answered: always with 503, because they would not be encrypted up to the backend.
func (r *routes) passOn(owner *rules.Ingress, loc location.Location, s rules.Service, restricts guard) route.Deny {
	deny := func(reason problem.Reason, message string) route.Deny {
		r.problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: reason, Object: problem.IngressObject(owner.Object),
			Message: fmt.Sprintf("ssl-passthrough: %s: %s; it answers 503", loc, message),
		})
		return route.Deny{Status: http.StatusServiceUnavailable, Reason: "ssl-passthrough: " + message}
	}
	switch {
	case restricts.deny != nil:
		return *restricts.deny
	case !r.upstreams.Snapshot.Settings.Passthrough:
		return deny(problem.UnsupportedAnnotation, "the controller runs without the flag --enable-ssl-passthrough")
	case loc.Host == "":
		return deny(problem.InvalidAnnotation, "TLS is passed on by the name of a host")
	case loc.Path != "/":
		return deny(problem.InvalidAnnotation, `TLS is passed on whatever the path; only the path "/" is served`)
	case len(restricts.policies) > 0:
		return deny(problem.InvalidAnnotation, "clients can't be kept out, because requests are not seen when TLS is passed on")
	}
	denied := route.Deny{Status: http.StatusServiceUnavailable, Reason: "ssl-passthrough: only TLS is passed on"}
	if slices.ContainsFunc(r.passthroughs, func(p route.Passthrough) bool { return p.Host == loc.Host }) {
		return denied // the path "/" is there as exact path and as prefix
	}
	made, wrong := r.upstreams.Build("", upstreams.Key{Service: s, ByService: owner.Config.Balancing.ByService})
	if wrong != nil {
		severity := problem.Warning
		if wrong.Reason == problem.NoEndpoints {
			severity = problem.Notice
		}
		r.problems.Add(problem.Problem{Severity: severity, Reason: wrong.Reason, Object: problem.IngressObject(owner.Object), Message: wrong.Message})
	}
	r.passthroughs = append(r.passthroughs, route.Passthrough{Host: loc.Host, Service: s.Ref(), Endpoints: made.Endpoints})
	return denied
}

// passedOn lists the hosts whose TLS connections are forwarded, and reports the paths of other Ingresses that can therefore
// only be reached without TLS.
func (r *routes) passedOn() []route.Passthrough {
	slices.SortFunc(r.passthroughs, func(a, b route.Passthrough) int { return strings.Compare(a.Host, b.Host) })
	for _, p := range r.passthroughs {
		winner := r.claims.root(p.Host)
		for at, claim := range r.claims {
			if at.Host == p.Host && claim.from != winner {
				r.problems.Add(problem.Problem{
					Severity: problem.Warning, Reason: problem.Conflict, Object: problem.IngressObject(claim.from.Object), Other: problem.IngressObject(winner.Object),
					Message: fmt.Sprintf("%s is not reached over TLS, which Ingress %q has passed on for the host", at, winner.Key()),
				})
			}
		}
	}
	return r.passthroughs
}

// root is the Ingress that receives the TLS connections of a host; nil if they are terminated.
func (c claims) root(host string) *rules.Ingress {
	for _, kind := range []route.PathKind{route.Prefix, route.Exact} {
		if claim := c[location.Location{Host: host, Path: "/", Kind: kind}]; claim != nil && claim.from.Config.Passthrough {
			return claim.from
		}
	}
	return nil
}
