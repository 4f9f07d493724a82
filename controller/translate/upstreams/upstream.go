// Package upstreams makes the upstreams of a table from Services, and from servers outside the cluster.
package upstreams

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/serviceport"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// DefaultName is the name, in logs, of the upstream for paths that no Ingress claims.
const DefaultName = "upstream-default-backend"

// Upstream is an upstream, what it was made of, and where its endpoints are from.
type Upstream struct {
	route.Upstream
	Key    Key     // the zero value for servers outside, whose names say all, and for the default backend
	Source *Source // nil for servers outside, and for cluster IPs
}

// Key is what makes two backends the same upstream.
type Key struct {
	rules.Service
	Protocol route.Protocol
	TLS      config.BackendTLS
	// ByService connects to the Service's cluster IP.
	ByService bool
}

// Source is the port of a Service whose EndpointSlices list the endpoints of an upstream.
type Source struct {
	Service *corev1.Service
	Port    corev1.ServicePort
}

// Fault is why an upstream has no endpoints; it concerns every Ingress that uses it.
type Fault struct {
	Reason  problem.Reason
	Message string
}

// Endpoints are those of Services as routes refer to them.
func Endpoints(found []serviceport.Endpoint) []route.Endpoint {
	var list []route.Endpoint
	for _, e := range found {
		list = append(list, route.Endpoint{Address: e.Address, Pod: e.Pod()})
	}
	return list
}
