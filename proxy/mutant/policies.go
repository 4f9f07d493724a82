package mutant

import (
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/policy/limits"
	"github.com/ingress-testbed/testbed/proxy/policy/mirroring"
	"github.com/ingress-testbed/testbed/proxy/policy/redirecting"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// subject is a type of policy.
type subject struct {
	name string
	is   func(route.Policy) bool
	// invert is nil where the opposite has no meaning, or is that the policy is ignored.
	invert func(route.Policy) route.Policy
	// everywhere is whether all routes of a table have the same policies of the type, because they are from settings of the
	// controller: a neighbour gets nothing new.
	everywhere bool
}

// policies are all types of policies, a line for each.
func policies() []subject {
	return []subject{
		of(negate[access.Addresses]), of(negate[access.Any]), of(negate[access.Basic]), onAllRoutes(of(negate[access.Block])),
		of(negate[access.ClientCertificate]), of(negate[access.External]),
		of(negate[limits.Connections]), of(negate[limits.Rate]), of[limits.Throttle](nil),
		of(func(p mirroring.Mirror) route.Policy { p.Body = !p.Body; return p }),
		of(otherSessions), of[policy.BodySize](nil), onAllRoutes(of[policy.Compress](nil)),
		of(func(p policy.ErrorPages) route.Policy { p.OwnOnly = !p.OwnOnly; return p }),
		of[policy.HSTS](nil), of[policy.NotLogged](nil), of(negate[policy.RedirectToHTTPS]), of[policy.ReplyHeader](nil),
		of(func(p policy.Retry) route.Policy { p.Never = !p.Never; return p }),
		of[policy.Timeouts](nil), of[policy.UpstreamHost](nil),
		of[redirecting.All](nil), of(negate[redirecting.Root]),
		of(otherOrigins),
		of(func(p replying.Cookies) route.Policy {
			return replying.Cookies{PathFrom: p.PathTo, PathTo: p.PathFrom, DomainFrom: p.DomainTo, DomainTo: p.DomainFrom}
		}),
		of[replying.Field](nil), onAllRoutes(of[replying.Hide](nil)),
		of(func(p replying.Location) route.Policy { return replying.Location{From: p.To, To: p.From} }),
		of(otherConnection), of[rewriting.FastCGI](nil), onAllRoutes(of[rewriting.Field](nil)), of[rewriting.ForwardedPrefix](nil),
		of[rewriting.HTTP10](nil), of[rewriting.Path](nil),
		onAllRoutes(of(func(p replying.Server) route.Policy { p.KeepEndpoints = !p.KeepEndpoints; return p })),
		of[selecting.HashBy](nil), of[selecting.Latency](nil),
	}
}

// of makes the subject of a type.
func of[P policy.Policy](invert func(P) route.Policy) subject {
	var example P
	s := subject{name: fmt.Sprintf("%T", example), is: func(p route.Policy) bool { _, is := p.(P); return is }}
	if invert != nil {
		s.invert = func(p route.Policy) route.Policy {
			if one, is := p.(P); is {
				return invert(one)
			}
			return p
		}
	}
	return s
}

// onAllRoutes makes the subject of a type that all routes of a table have.
func onAllRoutes(s subject) subject {
	s.everywhere = true
	return s
}

func negate[P policy.Policy](p P) route.Policy { return negated{p} }

// otherSessions makes the opposite of each choice.
func otherSessions(p policy.Affinity) route.Policy {
	p.CompatibleNone, p.Secure, p.MainOnly, p.Stay = !p.CompatibleNone, !p.Secure, !p.MainOnly, !p.Stay
	return p
}

// otherOrigins allows all origins in place of some, and none in place of all; with credentials where there were none.
func otherOrigins(p replying.CORS) route.Policy {
	p.WithCredentials = !p.WithCredentials
	if p.Origins == "*" {
		p.Origins = ""
	} else {
		p.Origins = "*"
	}
	return p
}

func otherConnection(p rewriting.Connection) route.Policy {
	if p.Value == "close" {
		return rewriting.Connection{Value: "keep-alive"}
	}
	return rewriting.Connection{Value: "close"}
}

func (s subject) mutants() []Mutant {
	ignore := func(p route.Policy) route.Policy {
		if s.is(p) {
			return nil
		}
		return p
	}
	all := []Mutant{{Subject: s.name, Fault: Ignored, change: everywhere(ignore)}}
	if s.invert != nil {
		all = append(all, Mutant{Subject: s.name, Fault: Inverted, change: everywhere(s.invert)})
	}
	if !s.everywhere {
		all = append(all, s.neighbour())
	}
	return all
}

func (s subject) neighbour() Mutant {
	return Mutant{Subject: s.name, Fault: Neighbour, change: toNeighbours(s.give)}
}

// everywhere replaces policies of all routes, and those of requests that no route matches.
func everywhere(by func(route.Policy) route.Policy) func(*route.Table) {
	return func(table *route.Table) {
		table.Unrouted = replace(table.Unrouted, by)
		eachRoute(func(r *route.Route) { r.Policies = replace(r.Policies, by) })(table)
	}
}

// give has the neighbour of a route get the route's policies, in place of its own of the type.
func (s subject) give(from route.Route, neighbour *route.Route) {
	isOther := func(p route.Policy) bool { return !s.is(p) }
	given := slices.DeleteFunc(slices.Clone(from.Policies), isOther)
	own := slices.DeleteFunc(slices.Clone(neighbour.Policies), isOther)
	equal := func(a, b route.Policy) bool { return a.Equal(b) }
	if len(given) == 0 || slices.EqualFunc(given, own, equal) {
		return
	}
	neighbour.Policies = append(slices.DeleteFunc(slices.Clone(neighbour.Policies), s.is), given...)
}
