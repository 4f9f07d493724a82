package upstreams

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Builder makes each upstream once.
type Builder struct {
	Snapshot *snapshot.Snapshot
	Problems *problem.List
	// Decisions are those that led to the upstreams.
	Decisions []decision.Decision
	names     map[Key]string
	faults    map[Key]Fault
	taken     map[string]bool
	list      []route.Upstream
	// sources are those of endpoints, by the name of the upstream.
	sources map[string]Source
	// Streamed are the Services whose endpoints are used by TCP or UDP ports or TLS passthrough, not by an upstream.
	Streamed map[types.NamespacedName]bool
}

// New makes a Builder without upstreams.
func New(s *snapshot.Snapshot, problems *problem.List) *Builder {
	return &Builder{
		Snapshot: s,
		Problems: problems,
		names:    map[Key]string{},
		faults:   map[Key]Fault{},
		taken:    map[string]bool{},
		sources:  map[string]Source{},
		Streamed: map[types.NamespacedName]bool{},
	}
}

// Backend returns the backend of a route to a Service, with weight 1, and makes the upstream if it is new. An upstream
// that has no endpoints is made all the same: it answers 503. deny, unless it is nil, answers instead.
func (u *Builder) Backend(owner *rules.Ingress, s rules.Service, deny *route.Deny) route.Backend {
	if deny != nil {
		return route.Backend{Weight: 1, Service: s.Ref(), Deny: deny}
	}
	key := Key{Service: s, Protocol: u.Protocol(owner, s), TLS: owner.Config.BackendTLS, ByService: owner.Config.Balancing.ByService}
	name := u.ensure(key)
	if fault, ok := u.faults[key]; ok {
		severity := problem.Warning
		switch fault.Reason {
		case problem.NoEndpoints:
			severity = problem.Notice
		case problem.InvalidAnnotation:
			severity = problem.Error
		default:
		}
		u.Problems.Add(problem.Problem{
			Severity: severity, Reason: fault.Reason, Object: problem.IngressObject(owner.Object), Message: fault.Message,
		})
	}
	made := route.Backend{Upstream: name, Weight: 1, Service: s.Ref()}
	if owner.Config.AutoProtocol {
		key.Protocol = route.HTTPS
		made.Secure = u.ensure(key)
	}
	return made
}

// Protocol is that of an Ingress's backends: of its annotation, or of the Service.
func (u *Builder) Protocol(owner *rules.Ingress, s rules.Service) route.Protocol {
	if owner.Config.ProtocolGiven {
		return owner.Config.Protocol
	}
	return u.declaredProtocol(s)
}

func (u *Builder) ensure(key Key) (name string) {
	if name, ok := u.names[key]; ok {
		return name
	}
	name = u.freeName(key)
	u.names[key] = name
	u.decide(decision.UpstreamCreated{Upstream: name})
	upstream, fault := u.Build(name, key)
	if upstream.Protocol.Secure() {
		settings, wrong := u.backendTLS(key)
		if upstream.TLS = settings; wrong != nil {
			upstream.Endpoints, fault = nil, wrong
		}
	}
	if fault != nil {
		u.faults[key] = *fault
	}
	u.list = append(u.list, upstream)
	return name
}

// freeName is "namespace-service-port". Two different Services can have that in common ("a-b" and "c", "a" and
// "b-c"); they must not share an upstream, so the later one's name is written with slashes. If the same Service is
// reached over TLS in several ways, they are counted.
func (u *Builder) freeName(key Key) string {
	name := strings.Join([]string{key.Namespace, key.Name, key.Port}, "-")
	if key.Protocol != route.HTTP1 {
		name += "-" + key.Protocol.String()
	}
	if key.ByService {
		name += "-service"
	}
	if u.taken[name] {
		name = fmt.Sprintf("%s/%s/%s/%s", key.Namespace, key.Name, key.Port, key.Protocol)
	}
	for base, n := name, 2; u.taken[name]; n++ {
		name = fmt.Sprintf("%s/%d", base, n)
	}
	u.taken[name] = true
	return name
}

// Build makes the upstream of a Service's port. It is for streams if name is "": then the caller has its endpoints only.
func (u *Builder) Build(name string, key Key) (route.Upstream, *Fault) {
	upstream := route.Upstream{Name: name, Protocol: key.Protocol}
	id := key.Namespace + "/" + key.Name
	svc := u.object(key.Service)
	u.decide(decision.PortsObtained{Service: id})
	if svc == nil {
		return upstream, &Fault{problem.ServiceNotFound, fmt.Sprintf("Service %q does not exist", id)}
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		var err *Fault
		upstream.Endpoints, err = u.External(svc, key.Port)
		return upstream, err
	}
	port, ok := serviceport.Find(svc, key.Port)
	if !ok {
		return upstream, &Fault{problem.PortNotFound, fmt.Sprintf("Service %q has no TCP port %s, %s",
			id, key.Port, "neither as port or name nor as target port")}
	}
	if address, err := netip.ParseAddr(svc.Spec.ClusterIP); err == nil && key.ByService { // headless Services have none
		upstream.Endpoints = []route.Endpoint{{Address: serviceport.AddrPort(address, uint16(port.Port))}}
		return upstream, nil
	}
	u.decide(decision.EndpointsSought{Service: id, Port: port})
	found := serviceport.Endpoints(svc, port, u.Snapshot.EndpointSlices[snapshot.Key(svc)])
	if name == "" { // not one of the table's
		u.Streamed[snapshot.Key(svc)] = true
	} else {
		u.sources[name] = Source{svc, port}
	}
	u.decide(decision.EndpointsFound{Service: id, Endpoints: decision.Found(found)})
	upstream.Endpoints = Endpoints(found)
	if len(found) == 0 {
		return upstream, &Fault{problem.NoEndpoints, fmt.Sprintf("Service %q has no ready endpoints for port %s", id, key.Port)}
	}
	return upstream, nil
}

// object is the Service itself; nil if it does not exist.
func (u *Builder) object(s rules.Service) *corev1.Service {
	return u.Snapshot.Services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}]
}

// External makes the endpoints of an ExternalName Service, which has no EndpointSlices. Addresses of the controller's
// own machine are rejected: they would expose what listens on its loopback interface.
func (u *Builder) External(svc *corev1.Service, port string) ([]route.Endpoint, *Fault) {
	id, host := snapshot.Key(svc).String(), svc.Spec.ExternalName
	if found, ok := serviceport.Find(svc, port); ok {
		target := serviceport.Target(found)
		port = target.String()
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, &Fault{problem.PortNotFound, fmt.Sprintf("Service %q of type ExternalName has no port %s", id, port)}
	}
	addresses := u.Snapshot.Addresses[host]
	if address, err := netip.ParseAddr(host); err == nil {
		addresses = []netip.Addr{address}
	}
	var endpoints []route.Endpoint
	for _, address := range addresses {
		if isOwn(address) {
			return nil, &Fault{problem.InvalidBackend, fmt.Sprintf(
				"Service %q leads to %s (%s), which is not an address outside", id, host, address)}
		}
		endpoints = append(endpoints, route.Endpoint{Address: serviceport.AddrPort(address, uint16(number))})
	}
	if len(endpoints) == 0 {
		return nil, &Fault{problem.NoEndpoints, fmt.Sprintf("Service %q: the name %q has no address", id, host)}
	}
	return endpoints, nil
}

// declaredProtocol is the protocol of a Service's port (Service v1, "appProtocol"): a name of Kubernetes or of
// IANA's registry. "kubernetes.io/wss" is WebSocket over TLS, which begins as HTTP/1.1.
func (u *Builder) declaredProtocol(s rules.Service) route.Protocol {
	svc := u.object(s)
	if svc == nil || svc.Spec.Type == corev1.ServiceTypeExternalName {
		return route.HTTP1
	}
	port, _ := serviceport.Find(svc, s.Port)
	if port.AppProtocol == nil {
		return route.HTTP1
	}
	switch *port.AppProtocol {
	case "kubernetes.io/h2c", "grpc":
		return route.H2C
	case "https", "kubernetes.io/wss":
		return route.HTTPS
	}
	return route.HTTP1
}

// All lists the upstreams with their keys and sources.
func (u *Builder) All() []Upstream {
	keys := make(map[string]Key, len(u.names))
	for key, name := range u.names {
		keys[name] = key
	}
	list := make([]Upstream, 0, len(u.list))
	for _, upstream := range u.list {
		made := Upstream{Upstream: upstream, Key: keys[upstream.Name]}
		if source, found := u.sources[upstream.Name]; found {
			made.Source = &source
		}
		list = append(list, made)
	}
	return list
}

// StreamedKeys lists the Services of Streamed.
func (u *Builder) StreamedKeys() []types.NamespacedName {
	return slices.Collect(maps.Keys(u.Streamed))
}

func (u *Builder) decide(made decision.Decision) {
	u.Decisions = append(u.Decisions, made)
}

// AddDefault makes the upstream of the default backend, which is the first port of its Service.
func (u *Builder) AddDefault(name types.NamespacedName) {
	upstream := route.Upstream{Name: DefaultName}
	found := problem.Problem{
		Severity: problem.Warning, Reason: problem.ServiceNotFound,
		Object: problem.Object{APIVersion: "v1", Kind: "Service", Namespace: name.Namespace, Name: name.Name},
	}
	svc := u.Snapshot.Services[name]
	switch {
	case svc == nil:
		found.Message = fmt.Sprintf("the default backend, Service %q, does not exist", name)
		u.Problems.Add(found)
	case len(svc.Spec.Ports) == 0:
		found.Reason = problem.PortNotFound
		found.Message = fmt.Sprintf("the default backend, Service %q, has no port", name)
		u.Problems.Add(found)
	default:
		port := svc.Spec.Ports[0]
		found := serviceport.Endpoints(svc, port, u.Snapshot.EndpointSlices[name])
		u.sources[DefaultName] = Source{svc, port}
		u.decide(decision.EndpointsFound{Service: name.String(), Endpoints: decision.Found(found)})
		upstream.Endpoints = Endpoints(found)
	}
	u.list = append(u.list, upstream)
}
