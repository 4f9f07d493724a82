package proxy

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/match"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// compiler turns tables into snapshots and remembers what it made of the last one, so that an update costs what it
// changes: hosts that stay the same are not compiled again, endpoint sets that stay the same keep their turn.
type compiler struct {
	metrics  *metrics.Collector
	selfMade *tls.Certificate
	pools    *upstream.Registry

	transports *transports

	last     *snapshot
	hosts    map[string]*compiledHost
	problems []error // of the hosts
	ordinals ordinals
	// referenced are the upstreams that the hosts' backends name.
	referenced map[string]bool
}

type compiledHost struct {
	source    route.Host
	locations []*location
	paths     *match.Paths[*location]
	problems  []error
}

func (c *compiler) compile(table *route.Table) (*snapshot, []error) {
	problems := table.Validate()
	next := &snapshot{table: table, forwarded: forwarded.Compile(table)}
	if c.last != nil && slices.EqualFunc(c.last.table.Hosts, table.Hosts, route.Host.Equal) {
		next.hosts = c.last.hosts
	} else {
		next.hosts = c.compileHosts(table.Hosts)
	}
	problems = append(problems, c.problems...)
	next.upstreams = c.compileUpstreams(table.Upstreams)
	problems = append(problems, c.keepUsed(next.upstreams)...)

	var previous *certs.Store
	if c.last != nil {
		previous = c.last.certs
	}
	var bad []error
	next.certs, bad = certs.New(table.Certificates, table.DefaultCertificate, c.selfMade, previous)
	c.last = next
	return next, append(problems, bad...)
}

func (c *compiler) compileHosts(hosts []route.Host) *match.Hosts[*location] {
	compiled := new(match.Hosts[*location])
	kept := make(map[string]*compiledHost, len(hosts))
	c.problems = nil
	for _, source := range hosts {
		host := c.hosts[source.Name]
		if host == nil || !host.source.Equal(source) {
			host = c.compileHost(source)
		}
		if !compiled.Add(source.Name, host.paths) {
			continue // Validate has reported it
		}
		kept[source.Name] = host
		c.problems = append(c.problems, host.problems...)
	}
	c.hosts = kept
	c.finish(kept)
	return compiled
}

func (c *compiler) compileHost(source route.Host) *compiledHost {
	host := &compiledHost{source: source, paths: new(match.Paths[*location])}
	for _, r := range source.Routes {
		problem := func(err error) {
			host.problems = append(host.problems, fmt.Errorf("host %q, %s path %q: %w", source.Name, r.Match, r.Path, err))
		}
		path, err := urlpath.AppendNormal(nil, r.Path)
		if err != nil {
			problem(err)
			continue
		}
		at := &location{path: r.Path, policy: r.Policy, primary: newTarget(r.Backend)}
		if r.Canary != nil {
			canary, err := balance.NewCanary(*r.Canary)
			if err != nil {
				problem(fmt.Errorf("it is served without its canary: %w", err))
			} else {
				at.canary, at.other = canary, newTarget(r.Canary.Backend)
			}
		}
		add := host.paths.AddPrefix
		if r.Match == route.Exact {
			add = host.paths.AddExact
		}
		if !add(string(path), at) {
			problem(fmt.Errorf("another route of this host has the same path; the first is served"))
			continue
		}
		host.locations = append(host.locations, at)
	}
	return host
}

func newTarget(backend route.Backend) target {
	return target{backend: backend, ordinal: -1}
}

// finish gives new locations their ordinals and series. Those that were served before have both already, and are
// read by running requests.
func (c *compiler) finish(hosts map[string]*compiledHost) {
	referenced := make(map[string]bool)
	var labels []metrics.Labels
	var targets []*target
	visit := func(host string, at *location, to *target, canary bool) {
		if to.ordinal < 0 {
			to.ordinal = c.ordinals.of(to.backend.Upstream)
		}
		referenced[to.backend.Upstream] = true
		targets = append(targets, to)
		labels = append(labels, metrics.Labels{
			Host: host, Path: at.path, Canary: canary,
			Namespace: to.backend.Origin.Namespace, Ingress: to.backend.Origin.Ingress, Service: to.backend.Origin.Service,
		})
	}
	for name, host := range hosts {
		for _, at := range host.locations {
			visit(cmp.Or(name, "_"), at, &at.primary, false)
			if at.canary != nil {
				visit(cmp.Or(name, "_"), at, &at.other, true)
			}
		}
	}
	for i, series := range c.metrics.Use(labels) {
		if targets[i].series == nil {
			targets[i].series = series
		}
	}
	c.referenced = referenced
}

// compileUpstreams returns the upstreams by ordinal. One that a backend names and the table doesn't have is there
// without endpoints. A set of endpoints that stays the same keeps its rotation, also when the order changes.
func (c *compiler) compileUpstreams(sources []route.Upstream) []*group {
	present := make(map[string]route.Upstream, len(sources))
	for _, source := range sources {
		if _, twice := present[source.Name]; !twice {
			present[source.Name] = source
		}
	}
	c.ordinals.keep(func(name string) bool {
		_, inTable := present[name]
		return inTable || c.referenced[name]
	})
	for name := range present {
		c.ordinals.of(name)
	}
	compiled := make([]*group, c.ordinals.len())
	for name, ordinal := range c.ordinals.byName {
		source := present[name]
		source.Name = name
		compiled[ordinal] = c.compileUpstream(ordinal, source)
	}
	return compiled
}

func (c *compiler) compileUpstream(ordinal int, source route.Upstream) *group {
	if c.last != nil && ordinal < len(c.last.upstreams) {
		last := c.last.upstreams[ordinal]
		if last != nil && sameButOrder(&last.source, &source) {
			return last
		}
	}
	compiled := &group{source: source}
	compiled.security, compiled.problem = newSecurity(&source)
	if compiled.problem != nil {
		compiled.problem = fmt.Errorf("upstream %q: it is served without endpoints: %w", source.Name, compiled.problem)
		compiled.rotation = balance.NewRotation(source.Name, nil)
		return compiled
	}
	compiled.rotation = balance.NewRotation(source.Name, source.Endpoints)
	for _, endpoint := range source.Endpoints {
		compiled.pools = append(compiled.pools, c.pools.Pool(compiled.poolKey(endpoint), compiled.security.config))
	}
	if source.Protocol.HTTP2() {
		compiled.h2 = c.transports.of(compiled.security)
	}
	return compiled
}

func (g *group) poolKey(endpoint route.Endpoint) upstream.Key {
	return upstream.Key{Address: endpoint.Address, Security: g.security.identity}
}

// keepUsed closes the connections to endpoints that have left, and returns the problems of the others.
func (c *compiler) keepUsed(groups []*group) (problems []error) {
	pools, identities := make(map[upstream.Key]bool), make(map[string]bool)
	for _, g := range groups {
		if g == nil {
			continue // a free ordinal
		}
		if g.problem != nil {
			problems = append(problems, g.problem)
			continue
		}
		identities[g.security.identity] = true
		for _, endpoint := range g.source.Endpoints {
			pools[g.poolKey(endpoint)] = true
		}
	}
	c.pools.Keep(pools)
	c.transports.keep(identities)
	return problems
}

// sameButOrder says whether two upstreams are the same but for the order of their endpoints.
func sameButOrder(a, b *route.Upstream) bool {
	reordered := *b
	reordered.Endpoints = a.Endpoints
	return a.Equal(reordered) && sameSet(a.Endpoints, b.Endpoints)
}

func sameSet(a, b []route.Endpoint) bool {
	return slices.Equal(sorted(a), sorted(b))
}

func sorted(endpoints []route.Endpoint) []route.Endpoint {
	return slices.SortedFunc(slices.Values(endpoints), func(a, b route.Endpoint) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Pod, b.Pod))
	})
}
