package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// hosts returns the routes by host: those of rules, then aliases, then the redirects to and from www, each for hosts that
// have none yet.
func (r *routes) hosts(all []*rules.Ingress) map[string][]route.Route {
	hosts := r.claims.hosts(all)
	for _, add := range []func(map[string][]route.Route, *rules.Ingress){r.addAliases, r.addWWW} {
		for _, ingress := range all {
			if ingress.Config.Canary == nil {
				add(hosts, ingress)
			}
		}
	}
	return hosts
}

// addAliases serves the paths of the Ingress's first host under its aliases, with the same certificate.
func (r *routes) addAliases(hosts map[string][]route.Route, owner *rules.Ingress) {
	if len(owner.Hosts) == 0 {
		return
	}
	host := owner.Hosts[0]
	for _, alias := range owner.Config.Aliases {
		if _, taken := hosts[alias]; taken {
			r.problems.Add(problem.Problem{
				Severity: problem.Warning, Reason: problem.Conflict, Object: problem.IngressObject(owner.Object),
				Message: fmt.Sprintf("server-alias: the host %q already has rules, or is an alias", alias),
			})
			continue
		}
		hosts[alias] = hosts[host]
		r.certificates.Alias(host, alias)
	}
}

// addWWW redirects the hosts of an Ingress with from-to-www-redirect that have no rules to those that have.
func (r *routes) addWWW(hosts map[string][]route.Route, owner *rules.Ingress) {
	if !owner.Config.Redirect.WWW {
		return
	}
	reproduces := r.mode.Reproduces(compatibility.WWWPort)
	policies := r.policies.everywhere
	if r.mode.Reproduces(compatibility.HSTSGaps) {
		policies = slices.DeleteFunc(slices.Clone(policies), func(p route.Policy) bool { _, isHSTS := p.(policy.HSTS); return isHSTS })
	}
	for _, host := range owner.Hosts {
		if host == "" || strings.HasPrefix(host, "*") {
			continue
		}
		other, isWWW := strings.CutPrefix(host, "www.")
		if !isWWW {
			other = "www." + host
		}
		if _, taken := hosts[other]; taken {
			continue
		}
		hosts[other] = []route.Route{{
			Match: route.PrefixPath("/"), Policies: policies, Source: owner.Source(),
			Action: route.Redirect{Status: owner.Config.Redirect.Status, Host: host, ShowPort: reproduces, CutSlash: reproduces},
		}}
	}
}

// claim is a route and the Ingress that it is from.
type claim struct {
	route route.Route
	from  *rules.Ingress
	guard guard
	// canary is the Ingress that claims the canary of the route; nil if none does.
	canary *rules.Ingress
}

// claims are the routes by location.
type claims map[location.Location]*claim

// conflict is the problem of an Ingress whose location is already claimed, by another one or itself.
func conflict(owner *rules.Ingress, loc location.Location, winner *rules.Ingress) problem.Problem {
	message := fmt.Sprintf("%s is already served by Ingress %q, which is older", loc, winner.Key())
	if winner == owner {
		message = fmt.Sprintf("%s is defined twice; the first one is served", loc)
	} else if winner.Object.CreationTimestamp.Equal(&owner.Object.CreationTimestamp) {
		message = fmt.Sprintf("%s is already served by Ingress %q", loc, winner.Key())
	}
	return problem.Problem{
		Severity: problem.Error, Reason: problem.Conflict, Object: problem.IngressObject(owner.Object), Message: message,
		Other: problem.IngressObject(winner.Object),
	}
}

// hosts collects the routes by host. A host without routes is listed too, so that it answers 404 rather than what the
// catch-all host serves.
func (c claims) hosts(all []*rules.Ingress) map[string][]route.Route {
	hosts := map[string][]route.Route{}
	for _, ingress := range all {
		for _, host := range ingress.Hosts {
			if host != "" && ingress.Config.Canary == nil {
				hosts[host] = nil
			}
		}
	}
	for at, claim := range c {
		hosts[at.Host] = append(hosts[at.Host], claim.route)
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

// clientTLS lists the restrictions of clients' TLS of hosts whose Ingress has ssl-ciphers, if they differ from those of the
// ConfigMap. If several Ingresses of a host have it, the first one decides.
func (r *routes) clientTLS(all []*rules.Ingress, global route.ClientTLS) []route.HostTLS {
	var list []route.HostTLS
	first := map[string]*rules.Ingress{}
	for _, owner := range all {
		if owner.Config.ClientTLS.Equal(global) || owner.Config.Canary != nil {
			continue
		}
		for _, host := range append(slices.Clip(owner.Hosts), owner.Config.Aliases...) {
			winner, taken := first[host]
			switch {
			case host == "": // all others have the settings'
			case !taken:
				first[host] = owner
				list = append(list, route.HostTLS{Host: host, TLS: owner.Config.ClientTLS})
			case !winner.Config.ClientTLS.Equal(owner.Config.ClientTLS):
				r.problems.Add(problem.Problem{
					Severity: problem.Warning, Reason: problem.Conflict, Object: problem.IngressObject(owner.Object), Other: problem.IngressObject(winner.Object),
					Message: fmt.Sprintf("ssl-ciphers: those of Ingress %q are offered for the host %q", winner.Key(), host),
				})
			}
		}
	}
	return list
}
