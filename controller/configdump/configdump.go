// Package configdump shows the routing table that a controller serves, to people and to programs.
package configdump

import (
	"cmp"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Table is what is served, without secrets.
type Table struct {
	Servers            []Server      `json:"servers"`
	Certificates       []Certificate `json:"certificates,omitempty"`
	DefaultCertificate string        `json:"defaultCertificate,omitempty"`
	// Settings are the ConfigMaps that the table was made with: the global settings, and the lists of TCP and UDP services.
	Settings []ConfigMap `json:"settings,omitempty"`
}

// ConfigMap is a version of a ConfigMap.
type ConfigMap struct {
	Namespace       string `json:"namespace"`
	Name            string `json:"name"`
	ResourceVersion string `json:"resourceVersion"`
}

// Server is one virtual host.
type Server struct {
	// Name of the host; "_" is the server of every host that no other names.
	Name string `json:"name"`
	// Locations in the order in which they match: longest path first, and of two of the same length the later one
	// in the alphabet, as in an nginx.conf that ingress-nginx writes.
	Locations []Location `json:"locations"`
}

// Location is one path of a server.
type Location struct {
	Path       string `json:"path"`
	Match      string `json:"match"` // "exact", "prefix" or "regex"
	IgnoreCase bool   `json:"ignoreCase,omitempty"`
	// Conditions are what else a request must have, one short text each.
	Conditions []string `json:"conditions,omitempty"`
	Namespace  string   `json:"namespace"`
	Ingress    string   `json:"ingress"`
	// Answer is the location's own reply; "" if it forwards.
	Answer   string    `json:"answer,omitempty"`
	Backends []Backend `json:"backends,omitempty"`
	Canary   *Canary   `json:"canary,omitempty"`
	Policy   []string  `json:"policy,omitempty"` // what else is done with requests, one short text each
}

// Backend is what serves a location, or a share of its requests.
type Backend struct {
	Service string `json:"service"`
	Port    string `json:"port"`
	Weight  int    `json:"weight"`
	Answer  string `json:"answer,omitempty"` // how the backend answers without endpoints: it denies
	Upstream
	// OverHTTPS is the upstream of requests that clients send over HTTPS; nil if it is the same.
	OverHTTPS *Upstream `json:"overHTTPS,omitempty"`
}

// Upstream is how a backend's endpoints are reached.
type Upstream struct {
	Name      string     `json:"upstream,omitempty"`
	Protocol  string     `json:"protocol,omitempty"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
}

// Endpoint is one address of a backend.
type Endpoint struct {
	Address string `json:"address"`
	Pod     string `json:"pod,omitempty"`
}

// Canary is a second backend and the requests that it gets.
type Canary struct {
	Backend       Backend `json:"backend"`
	Namespace     string  `json:"namespace"`
	Ingress       string  `json:"ingress"`
	Header        string  `json:"header,omitempty"`
	HeaderValue   string  `json:"headerValue,omitempty"`
	HeaderPattern string  `json:"headerPattern,omitempty"`
	Cookie        string  `json:"cookie,omitempty"`
	Weight        int     `json:"weight"`
	WeightTotal   int     `json:"weightTotal"`
}

// Certificate is a certificate's Secret and the hosts it is served for.
type Certificate struct {
	Secret string   `json:"secret"`
	Hosts  []string `json:"hosts"`
}

// Of makes the dump of a table.
func Of(table *route.Table) Table {
	upstreams := make(map[string]route.Upstream, len(table.Upstreams))
	for _, upstream := range table.Upstreams {
		upstreams[upstream.Name] = upstream
	}
	var dump Table
	for _, host := range table.Hosts {
		server := Server{Name: cmp.Or(host.Name, "_"), Locations: []Location{}}
		for _, r := range host.Routes {
			server.Locations = append(server.Locations, location(r, upstreams))
		}
		slices.SortStableFunc(server.Locations, func(a, b Location) int {
			return cmp.Or(
				cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(b.Path, a.Path), cmp.Compare(a.Match, b.Match))
		})
		dump.Servers = append(dump.Servers, server)
	}
	slices.SortStableFunc(dump.Servers, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	for _, certificate := range table.Certificates {
		dump.Certificates = append(dump.Certificates, Certificate{Secret: certificate.Origin, Hosts: certificate.Hosts})
	}
	if table.DefaultCertificate != nil {
		dump.DefaultCertificate = table.DefaultCertificate.Origin
	}
	return dump
}

func location(r route.Route, upstreams map[string]route.Upstream) Location {
	made := Location{
		Path: r.Match.Path.Value, Match: r.Match.Path.Kind.String(), IgnoreCase: r.Match.Path.IgnoreCase,
		Conditions: r.Match.Conditions(), Namespace: r.Source.Namespace, Ingress: r.Source.Name,
	}
	for _, policy := range r.Policies {
		made.Policy = append(made.Policy, policy.Text())
	}
	forward, forwards := r.Action.(route.Forward)
	if !forwards && r.Action != nil {
		made.Answer = r.Action.Text()
	}
	for _, b := range forward.Backends {
		made.Backends = append(made.Backends, backend(b, upstreams))
	}
	if c := forward.Canary; c != nil {
		made.Canary = &Canary{
			Backend: backend(c.Backend, upstreams), Namespace: c.Source.Namespace, Ingress: c.Source.Name,
			Header: c.Header, HeaderValue: c.HeaderValue, HeaderPattern: c.HeaderPattern,
			Cookie: c.Cookie, Weight: c.Weight, WeightTotal: c.Total(),
		}
	}
	return made
}

func backend(b route.Backend, upstreams map[string]route.Upstream) Backend {
	made := Backend{Service: b.Service.Name, Port: b.Service.Port, Weight: b.Weight}
	if b.Deny != nil {
		made.Answer = b.Deny.Text()
		return made
	}
	made.Upstream = upstreamOf(b.Upstream, upstreams)
	if b.Secure != "" {
		secure := upstreamOf(b.Secure, upstreams)
		made.OverHTTPS = &secure
	}
	return made
}

func upstreamOf(name string, upstreams map[string]route.Upstream) Upstream {
	made := Upstream{Name: name, Protocol: upstreams[name].Protocol.String()}
	for _, endpoint := range upstreams[name].Endpoints {
		made.Endpoints = append(made.Endpoints, Endpoint{Address: endpoint.Address.String(), Pod: endpoint.Pod})
	}
	return made
}
