// Package dump shows the routing table that a controller serves, to people and to programs.
package dump

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
	Path   string   `json:"path"`
	Match  string   `json:"match"` // "exact" or "prefix"
	Main   Backend  `json:"main"`
	Canary *Canary  `json:"canary,omitempty"`
	Policy []string `json:"policy,omitempty"` // what else is done with requests, one short text each
}

// Backend is what serves a location.
type Backend struct {
	Namespace string     `json:"namespace"`
	Ingress   string     `json:"ingress"`
	Service   string     `json:"service"`
	Port      string     `json:"port"`
	Upstream  string     `json:"upstream"`
	Protocol  string     `json:"protocol"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is one address of a backend.
type Endpoint struct {
	Address string `json:"address"`
	Pod     string `json:"pod,omitempty"`
}

// Canary is a second backend and the requests that it gets.
type Canary struct {
	Backend
	Header        string `json:"header,omitempty"`
	HeaderValue   string `json:"headerValue,omitempty"`
	HeaderPattern string `json:"headerPattern,omitempty"`
	Cookie        string `json:"cookie,omitempty"`
	Weight        int    `json:"weight"`
	WeightTotal   int    `json:"weightTotal"`
}

// Certificate is where a certificate comes from and what it is served for.
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
		Path: r.Path, Match: r.Match.String(), Main: backend(r.Backend, upstreams), Policy: policy(r.Policy),
	}
	if c := r.Canary; c != nil {
		made.Canary = &Canary{
			Backend: backend(c.Backend, upstreams), Header: c.Header, HeaderValue: c.HeaderValue,
			HeaderPattern: c.HeaderPattern, Cookie: c.Cookie, Weight: c.Weight, WeightTotal: c.Total(),
		}
	}
	return made
}

func backend(b route.Backend, upstreams map[string]route.Upstream) Backend {
	upstream := upstreams[b.Upstream]
	made := Backend{
		Namespace: b.Origin.Namespace, Ingress: b.Origin.Ingress, Service: b.Origin.Service, Port: b.Origin.Port,
		Upstream: b.Upstream, Protocol: upstream.Protocol.String(), Endpoints: []Endpoint{},
	}
	for _, endpoint := range upstream.Endpoints {
		made.Endpoints = append(made.Endpoints, Endpoint{Address: endpoint.Address.String(), Pod: endpoint.Pod})
	}
	return made
}

func policy(p route.Policy) []string {
	var texts []string
	if p.RedirectToHTTPS {
		texts = append(texts, "redirect to https")
	}
	if p.HSTS != "" {
		texts = append(texts, "hsts "+p.HSTS)
	}
	if p.Affinity != nil {
		texts = append(texts, "session cookie "+p.Affinity.Cookie)
	}
	return texts
}
