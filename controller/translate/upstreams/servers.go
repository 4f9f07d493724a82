package upstreams

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// ServerUse is the purpose of the requests to a server, for names and messages.
type ServerUse struct {
	kind, setting string
	// denied and missing are the consequences if the server is not allowed, or has no addresses.
	denied, missing string
}

//nolint:gochecknoglobals // values that are never changed
var (
	// AuthServer decides whether requests are allowed.
	AuthServer = ServerUse{"auth", "auth-url", "the paths answer 503", "the paths answer 500"}
	// MirrorServer gets copies of requests.
	MirrorServer = ServerUse{"mirror", "mirror-target", "nothing is mirrored", "nothing is mirrored"}
)

// Server makes the upstream of a server outside the cluster, or returns why that is not possible. A server without addresses has no
// endpoints.
func (u *Builder) Server(owner *rules.Ingress, use ServerUse, host string, settings *protection.Server) (name, fault string) {
	protocol, port := route.HTTP1, settings.Port
	if settings.Secure {
		protocol = route.HTTPS
	}
	name = fmt.Sprintf("%s/%s/%s/%d", use.kind, protocol, host, port)
	addresses := u.serverAddresses(host)
	for _, address := range addresses {
		if isOwn(address) {
			message := fmt.Sprintf("%s: the server %q leads to %s, which is not an address outside", use.setting, host, address)
			u.Problems.Add(problem.Problem{
				Severity: problem.Error, Reason: problem.InvalidAnnotation, Object: problem.IngressObject(owner.Object),
				Message: message + "; " + use.denied,
			})
			return "", message
		}
	}
	if len(addresses) == 0 {
		u.Problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: problem.NoEndpoints, Object: problem.IngressObject(owner.Object),
			Message: fmt.Sprintf("%s: the name %q has no address; %s", use.setting, host, use.missing),
		})
	}
	if u.taken[name] {
		return name, ""
	}
	u.taken[name] = true
	upstream := route.Upstream{Name: name, Protocol: protocol}
	if _, err := netip.ParseAddr(host); settings.Secure && err != nil {
		upstream.TLS = &route.TLS{ServerName: host, SendServerName: true}
	}
	for _, address := range addresses {
		upstream.Endpoints = append(upstream.Endpoints, route.Endpoint{Address: netip.AddrPortFrom(address, port)})
	}
	u.list = append(u.list, upstream)
	return name, ""
}

// serverAddresses are those of a server: its own, those of the Service that it is the DNS name of, or what it resolves to.
func (u *Builder) serverAddresses(host string) []netip.Addr {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address.Unmap()}
	}
	if key, ok := snapshot.ServiceOfName(host); ok {
		if address, ok := u.clusterAddress(key); ok {
			return []netip.Addr{address}
		}
	}
	return u.Snapshot.Addresses[host]
}

func (u *Builder) clusterAddress(key types.NamespacedName) (netip.Addr, bool) {
	service := u.Snapshot.Services[key]
	if service == nil {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(strings.TrimSpace(service.Spec.ClusterIP))
	return address, err == nil
}

// isOwn reports whether an address may be one of the controller's own machine.
func isOwn(address netip.Addr) bool {
	return address.IsLoopback() || address.IsUnspecified() || address.IsMulticast() || address.IsLinkLocalUnicast()
}

// ErrorBackend makes the upstream of a Service that serves error pages, which is its first port; "" if the Service or its port is missing.
func (u *Builder) ErrorBackend(owner *rules.Ingress, name string) (upstream string) {
	if name == "" {
		return ""
	}
	key := types.NamespacedName{Namespace: owner.Object.Namespace, Name: name}
	svc := u.Snapshot.Services[key]
	found := problem.Problem{Severity: problem.Warning, Object: problem.IngressObject(owner.Object)}
	switch {
	case svc == nil:
		found.Reason, found.Message = problem.ServiceNotFound, fmt.Sprintf("default-backend: Service %q does not exist", key)
	case len(svc.Spec.Ports) == 0:
		found.Reason, found.Message = problem.PortNotFound, fmt.Sprintf("default-backend: Service %q has no port", key)
	default:
		s := rules.Service{Namespace: key.Namespace, Name: key.Name, Port: strconv.Itoa(int(svc.Spec.Ports[0].Port))}
		used := Key{Service: s, Protocol: u.declaredProtocol(s)}
		upstream = u.ensure(used)
		fault, failed := u.faults[used]
		if !failed {
			return upstream
		}
		found.Reason, found.Message = fault.Reason, "default-backend: "+fault.Message
		if fault.Reason == problem.NoEndpoints {
			found.Severity = problem.Notice
		}
	}
	u.Problems.Add(found)
	return upstream
}

// ErrorDefault is the upstream of the controller's default backend; "" if there is none.
func (u *Builder) ErrorDefault() string {
	if u.Snapshot.Settings.DefaultBackend.Name == "" {
		return ""
	}
	return DefaultName
}
