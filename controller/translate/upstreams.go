package translate

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// upstreamKey is what makes two backends the same upstream.
type upstreamKey struct {
	rules.Service
	protocol route.Protocol
	tls      config.BackendTLS
	// byService connects to the Service's cluster IP.
	byService bool
}

// upstreams makes each upstream once.
type upstreams struct {
	snapshot  *snapshot.Snapshot
	problems  *problem.List
	decisions []decision.Decision
	names     map[upstreamKey]string
	faults    map[upstreamKey]fault
	taken     map[string]bool
	list      []route.Upstream
	// sources are those of endpoints, by the name of the upstream.
	sources map[string]endpointSource
	// streamed are the Services whose endpoints are used by TCP or UDP ports or TLS passthrough, not by an upstream.
	streamed map[types.NamespacedName]bool
}

// fault is why an upstream has no endpoints; it concerns every Ingress that uses it.
type fault struct {
	reason  problem.Reason
	message string
}

func newUpstreams(s *snapshot.Snapshot, problems *problem.List) *upstreams {
	return &upstreams{
		snapshot: s,
		problems: problems,
		names:    map[upstreamKey]string{},
		faults:   map[upstreamKey]fault{},
		taken:    map[string]bool{},
		sources:  map[string]endpointSource{},
		streamed: map[types.NamespacedName]bool{},
	}
}

// backend returns the backend of a route to a Service, with weight 1, and makes the upstream if it is new. An upstream
// that has no endpoints is made all the same: it answers 503. deny, unless it is nil, answers instead.
func (u *upstreams) backend(owner *rules.Ingress, s rules.Service, deny *route.Deny) route.Backend {
	if deny != nil {
		return route.Backend{Weight: 1, Service: s.Ref(), Deny: deny}
	}
	key := upstreamKey{Service: s, protocol: u.protocol(owner, s), tls: owner.Config.BackendTLS, byService: owner.Config.Balancing.ByService}
	name := u.ensure(key)
	if fault, ok := u.faults[key]; ok {
		severity := problem.Warning
		switch fault.reason {
		case problem.NoEndpoints:
			severity = problem.Notice
		case problem.InvalidAnnotation:
			severity = problem.Error
		default:
		}
		u.problems.Add(problem.Problem{
			Severity: severity, Reason: fault.reason, Object: problem.IngressObject(owner.Object), Message: fault.message,
		})
	}
	made := route.Backend{Upstream: name, Weight: 1, Service: s.Ref()}
	if owner.Config.AutoProtocol {
		key.protocol = route.HTTPS
		made.Secure = u.ensure(key)
	}
	return made
}

// protocol is that of an Ingress's backends: of its annotation, or of the Service.
func (u *upstreams) protocol(owner *rules.Ingress, s rules.Service) route.Protocol {
	if owner.Config.ProtocolGiven {
		return owner.Config.Protocol
	}
	return u.declaredProtocol(s)
}

func (u *upstreams) ensure(key upstreamKey) (name string) {
	if name, ok := u.names[key]; ok {
		return name
	}
	name = u.freeName(key)
	u.names[key] = name
	u.decide(decision.UpstreamCreated{Upstream: name})
	upstream, fault := u.build(name, key)
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
func (u *upstreams) freeName(key upstreamKey) string {
	name := strings.Join([]string{key.Namespace, key.Name, key.Port}, "-")
	if key.protocol != route.HTTP1 {
		name += "-" + key.protocol.String()
	}
	if key.byService {
		name += "-service"
	}
	if u.taken[name] {
		name = fmt.Sprintf("%s/%s/%s/%s", key.Namespace, key.Name, key.Port, key.protocol)
	}
	for base, n := name, 2; u.taken[name]; n++ {
		name = fmt.Sprintf("%s/%d", base, n)
	}
	u.taken[name] = true
	return name
}

func (u *upstreams) build(name string, key upstreamKey) (route.Upstream, *fault) {
	upstream := route.Upstream{Name: name, Protocol: key.protocol}
	id := key.Namespace + "/" + key.Name
	svc := u.object(key.Service)
	u.decide(decision.PortsObtained{Service: id})
	if svc == nil {
		return upstream, &fault{problem.ServiceNotFound, fmt.Sprintf("Service %q does not exist", id)}
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		var err *fault
		upstream.Endpoints, err = u.external(svc, key.Port)
		return upstream, err
	}
	port, ok := serviceport.Find(svc, key.Port)
	if !ok {
		return upstream, &fault{problem.PortNotFound, fmt.Sprintf("Service %q has no TCP port %s, %s",
			id, key.Port, "neither as port or name nor as target port")}
	}
	if address, err := netip.ParseAddr(svc.Spec.ClusterIP); err == nil && key.byService { // headless Services have none
		upstream.Endpoints = []route.Endpoint{{Address: serviceport.AddrPort(address, uint16(port.Port))}}
		return upstream, nil
	}
	u.decide(decision.EndpointsSought{Service: id, Port: port})
	found := serviceport.Endpoints(svc, port, u.snapshot.EndpointSlices[snapshot.Key(svc)])
	if name == "" { // not one of the table's
		u.streamed[snapshot.Key(svc)] = true
	} else {
		u.sources[name] = endpointSource{svc, port}
	}
	u.decide(decision.EndpointsFound{Service: id, Endpoints: decision.Found(found)})
	upstream.Endpoints = routeEndpoints(found)
	if len(found) == 0 {
		return upstream, &fault{problem.NoEndpoints, fmt.Sprintf("Service %q has no ready endpoints for port %s", id, key.Port)}
	}
	return upstream, nil
}

// object is the Service itself; nil if it does not exist.
func (u *upstreams) object(s rules.Service) *corev1.Service {
	return u.snapshot.Services[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}]
}

// external makes the endpoints of an ExternalName Service, which has no EndpointSlices. Addresses of the controller's
// own machine are rejected: they would expose what listens on its loopback interface.
func (u *upstreams) external(svc *corev1.Service, port string) ([]route.Endpoint, *fault) {
	id, host := snapshot.Key(svc).String(), svc.Spec.ExternalName
	if found, ok := serviceport.Find(svc, port); ok {
		target := serviceport.Target(found)
		port = target.String()
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, &fault{problem.PortNotFound, fmt.Sprintf("Service %q of type ExternalName has no port %s", id, port)}
	}
	addresses := u.snapshot.Addresses[host]
	if address, err := netip.ParseAddr(host); err == nil {
		addresses = []netip.Addr{address}
	}
	var endpoints []route.Endpoint
	for _, address := range addresses {
		if isOwn(address) {
			return nil, &fault{problem.InvalidBackend, fmt.Sprintf(
				"Service %q leads to %s (%s), which is not an address outside", id, host, address)}
		}
		endpoints = append(endpoints, route.Endpoint{Address: serviceport.AddrPort(address, uint16(number))})
	}
	if len(endpoints) == 0 {
		return nil, &fault{problem.NoEndpoints, fmt.Sprintf("Service %q: the name %q has no address", id, host)}
	}
	return endpoints, nil
}

// declaredProtocol is the protocol of a Service's port (Service v1, "appProtocol"): a name of Kubernetes or of
// IANA's registry. "kubernetes.io/wss" is WebSocket over TLS, which begins as HTTP/1.1.
func (u *upstreams) declaredProtocol(s rules.Service) route.Protocol {
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

// named lists the upstreams with their keys and sources.
func (u *upstreams) named() []namedUpstream {
	keys := make(map[string]upstreamKey, len(u.names))
	for key, name := range u.names {
		keys[name] = key
	}
	list := make([]namedUpstream, 0, len(u.list))
	for _, upstream := range u.list {
		made := namedUpstream{Upstream: upstream, key: keys[upstream.Name]}
		if source, found := u.sources[upstream.Name]; found {
			made.source = &source
		}
		list = append(list, made)
	}
	return list
}

func (u *upstreams) streamedKeys() []types.NamespacedName {
	return slices.Collect(maps.Keys(u.streamed))
}

func (u *upstreams) decide(made decision.Decision) {
	u.decisions = append(u.decisions, made)
}

// addDefault makes the upstream of the default backend, which is the first port of its Service.
func (u *upstreams) addDefault(name types.NamespacedName) {
	upstream := route.Upstream{Name: defaultUpstream}
	found := problem.Problem{
		Severity: problem.Warning, Reason: problem.ServiceNotFound,
		Object: problem.Object{APIVersion: "v1", Kind: "Service", Namespace: name.Namespace, Name: name.Name},
	}
	svc := u.snapshot.Services[name]
	switch {
	case svc == nil:
		found.Message = fmt.Sprintf("the default backend, Service %q, does not exist", name)
		u.problems.Add(found)
	case len(svc.Spec.Ports) == 0:
		found.Reason = problem.PortNotFound
		found.Message = fmt.Sprintf("the default backend, Service %q, has no port", name)
		u.problems.Add(found)
	default:
		port := svc.Spec.Ports[0]
		found := serviceport.Endpoints(svc, port, u.snapshot.EndpointSlices[name])
		u.sources[defaultUpstream] = endpointSource{svc, port}
		u.decide(decision.EndpointsFound{Service: name.String(), Endpoints: decision.Found(found)})
		upstream.Endpoints = routeEndpoints(found)
	}
	u.list = append(u.list, upstream)
}

func routeEndpoints(found []serviceport.Endpoint) []route.Endpoint {
	var list []route.Endpoint
	for _, e := range found {
		list = append(list, route.Endpoint{Address: e.Address, Pod: e.Pod()})
	}
	return list
}
