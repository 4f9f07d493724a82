package mutant

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// matches are the mutants of how requests are matched.
func matches() []Mutant {
	path := func(change func(*route.Path)) func(*route.Table) {
		return eachRoute(func(r *route.Route) { change(&r.Match.Path) })
	}
	return []Mutant{
		{Subject: "host.Wildcard", Fault: Ignored, change: func(table *route.Table) {
			table.Hosts = slices.DeleteFunc(table.Hosts, func(h route.Host) bool { return strings.HasPrefix(h.Name, "*.") })
		}},
		{Subject: "path.Exact", Fault: Ignored, change: path(func(p *route.Path) {
			if p.Kind == route.Exact {
				p.Kind = route.Prefix
			}
		})},
		// The elements of the path are ignored: "/a" matches "/ab".
		{Subject: "path.Prefix", Fault: Ignored, change: path(func(p *route.Path) {
			if p.Kind == route.Prefix && p.Value != "/" {
				*p = route.Path{Kind: route.Regex, Value: regexp.QuoteMeta(p.Value)}
			}
		})},
		{Subject: "path.Regex", Fault: Ignored, change: path(func(p *route.Path) {
			if p.Kind == route.Regex {
				*p = route.Path{Kind: route.Prefix, Value: p.Value}
			}
		})},
		{Subject: "path.IgnoreCase", Fault: Ignored, change: path(func(p *route.Path) { p.IgnoreCase = false })},
	}
}

// actions are the mutants of how requests are answered.
func actions() []Mutant {
	canary := func(change func(*route.Forward)) func(*route.Table) {
		return eachRoute(func(r *route.Route) {
			if forward, ok := r.Action.(route.Forward); ok && forward.Canary != nil {
				copied := *forward.Canary
				forward.Canary = &copied
				change(&forward)
				r.Action = forward
			}
		})
	}
	return []Mutant{
		{Subject: "action.Redirect", Fault: Ignored, change: func(table *route.Table) {
			for i := range table.Hosts {
				table.Hosts[i].Routes = slices.DeleteFunc(table.Hosts[i].Routes, func(r route.Route) bool {
					_, redirects := r.Action.(route.Redirect)
					return redirects
				})
			}
		}},
		{Subject: "backend.Secure", Fault: Ignored, change: eachRoute(func(r *route.Route) {
			if forward, ok := r.Action.(route.Forward); ok {
				forward.Backends = slices.Clone(forward.Backends)
				for i := range forward.Backends {
					forward.Backends[i].Secure = ""
				}
				r.Action = forward
			}
		})},
		{Subject: "canary", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary = nil })},
		{Subject: "canary", Fault: Inverted, change: canary(invertCanary)},
		{Subject: "canary", Fault: Neighbour, change: toNeighbours(func(from route.Route, neighbour *route.Route) {
			own, ok := from.Action.(route.Forward)
			other, also := neighbour.Action.(route.Forward)
			if ok && also && own.Canary != nil {
				other.Canary = own.Canary
				neighbour.Action = other
			}
		})},
		{Subject: "canary.Header", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary.Header = "" })},
		{Subject: "canary.HeaderValue", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary.HeaderValue = "" })},
		{Subject: "canary.HeaderPattern", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary.HeaderPattern = "" })},
		{Subject: "canary.Cookie", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary.Cookie = "" })},
		{Subject: "canary.Weight", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary.Weight = 0 })},
		{Subject: "canary.WeightTotal", Fault: Ignored, change: canary(func(f *route.Forward) { f.Canary.WeightTotal = 0 })},
	}
}

// invertCanary lets the canary have the requests of the route's own backend, and the other way round.
func invertCanary(f *route.Forward) {
	if len(f.Backends) == 0 {
		return
	}
	own := f.Backends[0]
	f.Backends = slices.Clone(f.Backends)
	f.Backends[0], f.Canary.Backend = f.Canary.Backend, own
	f.Backends[0].Weight = own.Weight
}

// upstreams are the mutants of how endpoints are connected to.
func upstreams() []Mutant {
	each := func(change func(*route.Upstream)) func(*route.Table) {
		return func(table *route.Table) {
			for i := range table.Upstreams {
				change(&table.Upstreams[i])
			}
		}
	}
	secure := func(change func(*route.TLS)) func(*route.Table) {
		return each(func(u *route.Upstream) {
			if u.TLS != nil {
				copied := *u.TLS
				u.TLS = &copied
				change(u.TLS)
			}
		})
	}
	return []Mutant{
		{Subject: "upstream.Protocol", Fault: Ignored, change: each(func(u *route.Upstream) { u.Protocol = route.HTTP1 })},
		{Subject: "upstream.TLS.ServerName", Fault: Ignored, change: secure(func(t *route.TLS) { t.ServerName = "" })},
		{Subject: "upstream.TLS.SendServerName", Fault: Ignored, change: secure(func(t *route.TLS) { t.SendServerName = false })},
		{Subject: "upstream.TLS.Verify", Fault: Ignored, change: secure(func(t *route.TLS) { t.Verify = false })},
		{Subject: "upstream.TLS.VerifyDepth", Fault: Ignored, change: secure(func(t *route.TLS) { t.VerifyDepth = 1 << 10 })},
		{Subject: "upstream.TLS.MinVersion", Fault: Ignored, change: secure(func(t *route.TLS) { t.MinVersion = 0 })},
		{Subject: "upstream.TLS.MaxVersion", Fault: Ignored, change: secure(func(t *route.TLS) { t.MaxVersion = 0 })},
		{Subject: "upstream.TLS.Ciphers", Fault: Ignored, change: secure(func(t *route.TLS) { t.Ciphers = nil })},
		{Subject: "upstream.TLS.Certificate", Fault: Ignored, change: secure(func(t *route.TLS) { t.Certificate = nil })},
	}
}
