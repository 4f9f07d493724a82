package runtime

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/match"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/passthrough"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// Compiler turns route tables into runtime tables. It reuses the parts of the last table that have not changed. Its
// methods must not be called concurrently.
type Compiler struct {
	metrics   *metrics.Collector
	generated *tls.Certificate // served where the table has no default certificate
	reading   message.Reading  // where the table sets no limits
	pools     pools
	states    policy.States
	chain     compileChain

	last     *Table
	hosts    map[string]*compiledHost
	problems []error // of the hosts
	slots    slots
	// referenced are the upstreams that the hosts' backends and policies name, called those of the policies alone.
	referenced, called map[string]bool
}

// NewCompiler makes a compiler. The certificate is served where a table has no default one, and requests are read with the limits of
// reading where a table sets none.
func NewCompiler(collector *metrics.Collector, registry *upstream.Registry, generated *tls.Certificate, reading message.Reading) *Compiler {
	return &Compiler{
		metrics: collector, pools: pools{registry: registry}, generated: generated, reading: reading, chain: policy.Compile,
	}
}

// compileChain is policy.Compile, or policy.CompileTraced.
type compileChain func(policies []route.Policy, states *policy.States) (policy.Chain, error)

// Trace makes tables that record what policies do, for exchanges that are traced. It is called before the first Compile.
func (c *Compiler) Trace() { c.chain = policy.CompileTraced }

type compiledHost struct {
	source   route.Host
	routes   []*Route
	paths    *match.Paths[*Route]
	problems []error
}

// Compile makes a table. What can't be compiled is returned as problems and left out.
func (c *Compiler) Compile(table *route.Table) (*Table, []error) {
	problems := table.Validate()
	next := &Table{source: table, reading: c.readingOf(table), forwarded: forwarded.Compile(table)}
	wordLabels := table.Quirks.Has(quirk.LooseHosts)
	if c.last != nil && c.last.hosts.WordLabels == wordLabels && slices.EqualFunc(c.last.source.Hosts, table.Hosts, route.Host.Equal) {
		next.hosts = c.last.hosts
	} else {
		next.hosts = c.compileHosts(table.Hosts, wordLabels)
	}
	problems = append(problems, c.problems...)
	var err error
	if next.Unrouted, err = policy.Compile(table.Unrouted, &c.states); err != nil {
		problems = append(problems, fmt.Errorf("requests without a route: %w", err))
	}
	var wrong []error
	next.access, wrong = accesslog.Compile(table.AccessLog)
	problems = append(problems, wrong...)
	next.upstreams = c.compileUpstreams(table.Upstreams)
	next.called = make(map[string]*Upstream, len(c.called))
	for name := range c.called {
		next.called[name] = next.upstreams[c.slots.of(name)]
	}
	for _, u := range next.upstreams {
		if u != nil && u.Problem != nil {
			problems = append(problems, u.Problem)
		}
	}
	var previous *certs.Store
	var passed *passthrough.Hosts
	var former []*Upstream
	if c.last != nil {
		previous, passed, former = c.last.certs, c.last.passed, c.last.upstreams
	}
	c.pools.change(former, next.upstreams)
	next.passed = passthrough.Compile(table, passed)
	var bad []error
	next.certs, bad = certs.New(table.Certificates, table.DefaultCertificate, c.generated, previous)
	next.certs.AskClients(table.ClientAuthorities)
	next.certs.Restrict(table.ClientTLS)
	c.last = next
	return next, append(problems, bad...)
}

// readingOf returns how requests are read with a table.
func (c *Compiler) readingOf(table *route.Table) message.Reading {
	limits := &table.RequestHeaders
	return message.Reading{
		Bytes: cmp.Or(limits.Bytes, c.reading.Bytes), Line: cmp.Or(limits.Line, c.reading.Line),
		Fields: cmp.Or(limits.Fields, c.reading.Fields), Quirks: table.Quirks,
	}
}

func (c *Compiler) compileHosts(hosts []route.Host, wordLabels bool) *match.Hosts[*Route] {
	compiled := &match.Hosts[*Route]{WordLabels: wordLabels}
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

func (c *Compiler) compileHost(source route.Host) *compiledHost {
	host := &compiledHost{source: source}
	var builder match.Builder[*Route]
	for i := range source.Routes {
		r := &source.Routes[i]
		problem := func(err error) {
			host.problems = append(host.problems, fmt.Errorf("host %q, %s: %w", source.Name, r.Match.Text(), err))
		}
		decoded, err := decodedMatch(r.Match)
		if err != nil {
			problem(err)
			continue
		}
		made, err := newRoute(*r, &c.states, c.chain)
		if err != nil {
			problem(err)
		}
		if made == nil {
			continue
		}
		made.table = r
		if err := builder.Add(decoded, made); err != nil {
			problem(err)
			continue
		}
		host.routes = append(host.routes, made)
	}
	host.paths = builder.Build()
	return host
}

// decodedMatch is the match with its path decoded like those of requests.
func decodedMatch(m route.Match) (route.Match, error) {
	if m.Path.Kind == route.Regex {
		return m, nil
	}
	path, err := urlpath.AppendDecoded(nil, m.Path.Value)
	m.Path.Value = string(path)
	return m, err
}

// finish gives new routes their slots and series. Those that were served before have both already, and are in use by
// requests.
func (c *Compiler) finish(hosts map[string]*compiledHost) {
	var users users
	referenced, called, states := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for name, host := range hosts {
		for _, r := range host.routes {
			users.addRoute(name, r)
			for _, backend := range r.all() {
				c.place(backend, referenced)
			}
			for _, upstream := range r.Chain.Upstreams {
				c.slots.of(upstream)
				referenced[upstream], called[upstream] = true, true
			}
			for _, key := range r.Chain.StateKeys {
				states[key] = true
			}
		}
	}
	users.assign(c.metrics)
	c.states.Keep(states)
	c.referenced, c.called = referenced, called
}

// place gives a new backend its slots, and adds its upstreams to those that are referenced.
func (c *Compiler) place(backend *Backend, referenced map[string]bool) {
	if backend.Deny != nil {
		return
	}
	if backend.slot < 0 {
		backend.slot = c.slots.of(backend.Upstream)
	}
	referenced[backend.Upstream] = true
	if backend.secure == "" {
		return
	}
	if backend.secureSlot < 0 {
		backend.secureSlot = c.slots.of(backend.secure)
	}
	referenced[backend.secure] = true
}

// all returns the backends, the canary's included.
func (r *Route) all() []*Backend {
	var all []*Backend
	for i := range r.backends {
		all = append(all, &r.backends[i])
	}
	if r.canary != nil {
		all = append(all, &r.canary.backend)
	}
	return all
}
