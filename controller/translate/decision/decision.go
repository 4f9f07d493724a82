// Package decision is the decisions of a translation, for a verbose log.
package decision

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
)

// Decision is one decision of a translation. Its text is its line in a verbose log, in the format of ingress-nginx's log
// at --v=3.
type Decision interface {
	fmt.Stringer
}

// UpstreamCreated is a new upstream in the table.
type UpstreamCreated struct{ Upstream string }

// PortsObtained is the look-up of a Service.
type PortsObtained struct{ Service string }

// EndpointsSought is the look-up of the endpoints of one port of a Service.
type EndpointsSought struct {
	Service string
	Port    corev1.ServicePort
}

// EndpointsFound is its result.
type EndpointsFound struct {
	Service   string
	Endpoints []FoundEndpoint
}

// FoundEndpoint is an address and what is behind it.
type FoundEndpoint struct {
	Address string
	Port    uint16
	Target  *corev1.ObjectReference // nil if it is not a Pod
}

// LocationAdded is a new path of a host.
type LocationAdded struct{ Path, Server, Upstream, Ingress string }

// LocationReplaced is a path that the default backend served until then: "/" of every host.
type LocationReplaced struct{ Path, Server, Former, Upstream, Ingress string }

// CanaryAdded is a canary that joined a path.
type CanaryAdded struct{ Path, Server, Main, Canary, Ingress string }

// CertificateAdded is a host that got a certificate.
type CertificateAdded struct{ Server, Secret, Ingress string }

func (s UpstreamCreated) String() string {
	return fmt.Sprintf("Creating upstream %q", s.Upstream)
}

func (s PortsObtained) String() string {
	return fmt.Sprintf("Obtaining ports information for Service %q", s.Service)
}

func (s EndpointsSought) String() string {
	return fmt.Sprintf("Getting Endpoints from endpointSlices for Service %q and port %v", s.Service, &s.Port)
}

func (s EndpointsFound) String() string {
	return fmt.Sprintf("Endpoints found for Service %q: %v", s.Service, s.Endpoints)
}

func (e FoundEndpoint) String() string {
	return fmt.Sprintf("{%s %d %v}", e.Address, e.Port, e.Target)
}

func (s LocationAdded) String() string {
	return fmt.Sprintf("Adding location %q for server %q with upstream %q (Ingress %q)",
		s.Path, s.Server, s.Upstream, s.Ingress)
}

func (s LocationReplaced) String() string {
	return fmt.Sprintf("Replacing location %q for server %q with upstream %q to use upstream %q (Ingress %q)",
		s.Path, s.Server, s.Former, s.Upstream, s.Ingress)
}

func (s CanaryAdded) String() string {
	return fmt.Sprintf("Adding canary upstream %q to location %q for server %q with upstream %q (Ingress %q)",
		s.Canary, s.Path, s.Server, s.Main, s.Ingress)
}

func (s CertificateAdded) String() string {
	return fmt.Sprintf("Using certificate %q for server %q (Ingress %q)", s.Secret, s.Server, s.Ingress)
}

// ServerName is the name of a host in logs and dumps: "_" is the server of all hosts without rules.
func ServerName(host string) string {
	if host == "" {
		return "_"
	}
	return host
}

// Found are endpoints as EndpointsFound has them.
func Found(found []serviceport.Endpoint) []FoundEndpoint {
	var list []FoundEndpoint
	for _, e := range found {
		list = append(list, FoundEndpoint{Address: e.Address.Addr().String(), Port: e.Address.Port(), Target: e.Target})
	}
	return list
}
