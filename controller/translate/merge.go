package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// location is what two objects can't both have: of those that claim the same one, the first has it.
type location struct {
	host string
	path string
	kind route.PathKind
	// ignoreCase is set for regular expressions.
	ignoreCase bool
}

// String is the location as a message shows it: `path "/a" of host "x.org"`.
func (p location) String() string {
	host := "every other host"
	if p.host != "" {
		host = fmt.Sprintf("host %q", p.host)
	}
	return fmt.Sprintf("path %q of %s", p.path, host)
}

func (p location) match() route.Match {
	return route.Match{Path: route.Path{Kind: p.kind, Value: p.path, IgnoreCase: p.ignoreCase}}
}

// claim is a route and the Ingress that it is from.
type claim struct {
	route route.Route
	from  *ingress
	guard guard
	// canary is the Ingress that claims the canary of the route; nil if none does.
	canary *ingress
}

// claims are the routes by location.
type claims map[location]*claim

// conflict is the problem of an Ingress whose location is already claimed, by another one or itself.
func conflict(owner *ingress, at location, winner *ingress) Problem {
	message := fmt.Sprintf("%s is already served by Ingress %q, which is older", at, winner.key())
	if winner == owner {
		message = fmt.Sprintf("%s is defined twice; the first one is served", at)
	} else if winner.object.CreationTimestamp.Equal(&owner.object.CreationTimestamp) {
		message = fmt.Sprintf("%s is already served by Ingress %q", at, winner.key())
	}
	return Problem{
		Severity: Error, Reason: Conflict, Object: IngressObject(owner.object), Message: message,
		Other: IngressObject(winner.object),
	}
}

// hosts collects the routes by host. A host without routes is listed too, so that it answers 404 rather than what the
// catch-all host serves.
func (c claims) hosts(all []*ingress) map[string][]route.Route {
	hosts := map[string][]route.Route{}
	for _, ingress := range all {
		for _, host := range ingress.hosts {
			if host != "" && ingress.config.Canary == nil {
				hosts[host] = nil
			}
		}
	}
	for at, claim := range c {
		hosts[at.host] = append(hosts[at.host], claim.route)
	}
	return hosts
}

func sortedHosts(hosts map[string][]route.Route) []route.Host {
	var list []route.Host
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		routes := hosts[name]
		slices.SortFunc(routes, func(a, b route.Route) int {
			return cmp.Or(cmp.Compare(a.Match.Path.Value, b.Match.Path.Value), cmp.Compare(a.Match.Path.Kind, b.Match.Path.Kind))
		})
		list = append(list, route.Host{Name: name, Routes: routes})
	}
	return list
}
