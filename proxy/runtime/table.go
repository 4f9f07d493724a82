package runtime

import (
	"slices"
	"unsafe"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/match"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/passthrough"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/upstream/tlsprofile"
)

// Table is a compiled route.Table.
type Table struct {
	// Unrouted is what is done with requests that no route matches.
	Unrouted policy.Chain

	source    *route.Table
	reading   message.Reading
	updated   map[int]bool // slots of upstreams that have been replaced since the source was compiled
	hosts     *match.Hosts[*Route]
	upstreams []*Upstream // by slot; nil where a slot is free
	certs     *certs.Store
	passed    *passthrough.Hosts
	access    *accesslog.Rules
	forwarded forwarded.Settings
	called    map[string]*Upstream // those that policies send requests to
}

// Source is the table that was compiled, with the upstreams that have been replaced since. It must not be changed. After an
// update it costs a copy of the upstreams: it is not for requests.
func (t *Table) Source() *route.Table {
	if len(t.updated) == 0 {
		return t.source
	}
	replaced := make(map[string]*Upstream, len(t.updated))
	for slot := range t.updated {
		replaced[t.upstreams[slot].Name] = t.upstreams[slot]
	}
	source := *t.source
	source.Upstreams = slices.Clone(source.Upstreams)
	for i := range source.Upstreams {
		if u := replaced[source.Upstreams[i].Name]; u != nil {
			source.Upstreams[i] = u.source
		}
	}
	return &source
}

// Settings is the table that was compiled, without a copy. Its upstreams may have been replaced since; all else is as it is
// served.
func (t *Table) Settings() *route.Table { return t.source }

// Reading is how requests are read.
func (t *Table) Reading() *message.Reading { return &t.reading }

// Quirks are what is done as by ingress-nginx.
func (t *Table) Quirks() quirk.Set { return t.reading.Quirks }

// Forwarded is the trust in other proxies.
func (t *Table) Forwarded() *forwarded.Settings { return &t.forwarded }

// Certificates are those of the table.
func (t *Table) Certificates() *certs.Store { return t.certs }

// AccessLog is which requests are logged, and how.
func (t *Table) AccessLog() *accesslog.Rules { return t.access }

// Passthrough has the hosts whose TLS connections are forwarded as they are; nil if there are none.
func (t *Table) Passthrough() *passthrough.Hosts { return t.passed }

// Upstream is a compiled route.Upstream.
type Upstream struct {
	Name     string
	Protocol route.Protocol
	TLS      tlsprofile.Profile
	// Turns has the endpoints, Pools the connections to each, by its index in Turns.
	Turns *balance.RoundRobin
	Pools []*upstream.Pool
	// Problem is why the upstream is served without endpoints; nil if it isn't.
	Problem error

	source route.Upstream
}

// Find returns the route of a request by its host, decoded path and header; nil if there is none.
func (t *Table) Find(r *policy.Request) *Route {
	found, _ := t.hosts.Find(view(r.Host), view(r.Decoded), r.Message)
	return found
}

// IsHealthCheck reports whether the proxy itself answers a request for which a route was found, or nil: it is for the
// table's HealthPath, and neither its host nor this path is that of a route.
func (t *Table) IsHealthCheck(r *policy.Request, found *Route) bool {
	health := t.source.HealthPath
	if health == "" || view(r.Decoded) != health || found != nil && found.path == health {
		return false
	}
	name, _ := t.hosts.Server(view(r.Host))
	return name == ""
}

// NextPool implements policy.Upstreams.
func (t *Table) NextPool(name string) *upstream.Pool {
	u := t.called[name]
	if u == nil || u.Turns.Len() == 0 {
		return nil
	}
	return u.Pools[u.Turns.Next()]
}

// SelectCalled selects an endpoint of an upstream that a policy names, instead of those of a backend.
func (t *Table) SelectCalled(name string, backend *Backend) (selection Selection, found bool) {
	u := t.called[name]
	if u == nil || u.Turns.Len() == 0 {
		return Selection{}, false
	}
	return Selection{Backend: backend, Upstream: u, Endpoint: u.Turns.Next()}, true
}

// view is text without copying: valid for as long as the bytes are not changed.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text))
}
