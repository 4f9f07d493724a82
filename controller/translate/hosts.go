package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// hosts are the routes by host: those of rules, then aliases, then the redirects to and from www, each for hosts that
// there are none for yet.
func (r *routes) hosts(all []*ingress) map[string][]route.Route {
	hosts := r.claims.hosts(all)
	for _, add := range []func(map[string][]route.Route, *ingress){r.addAliases, r.addWWW} {
		for _, ingress := range all {
			if ingress.config.Canary == nil {
				add(hosts, ingress)
			}
		}
	}
	return hosts
}

// addAliases serves the paths of the Ingress's first host under its aliases, with the same certificate.
func (r *routes) addAliases(hosts map[string][]route.Route, owner *ingress) {
	if len(owner.hosts) == 0 {
		return
	}
	host := owner.hosts[0]
	for _, alias := range owner.config.Aliases {
		if _, taken := hosts[alias]; taken {
			r.problems.add(Problem{
				Severity: Warning, Reason: Conflict, Object: IngressObject(owner.object),
				Message: fmt.Sprintf("server-alias: the host %q has rules of its own, or is an alias already", alias),
			})
			continue
		}
		hosts[alias] = hosts[host]
		r.certificates.alias(host, alias)
	}
}

// addWWW redirects the hosts of an Ingress with from-to-www-redirect that have no rules to those that have.
func (r *routes) addWWW(hosts map[string][]route.Route, owner *ingress) {
	if !owner.config.Redirect.WWW {
		return
	}
	reproduces := r.mode.Reproduces(compatibility.WWWPort)
	policies := r.everywhere
	if r.mode.Reproduces(compatibility.HSTSGaps) {
		policies = slices.DeleteFunc(slices.Clone(policies), func(p route.Policy) bool { _, isHSTS := p.(policy.HSTS); return isHSTS })
	}
	for _, host := range owner.hosts {
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
			Match: route.PrefixPath("/"), Policies: policies, Source: owner.source(),
			Action: route.Redirect{Status: owner.config.Redirect.Status, Host: host, ShowPort: reproduces, CutSlash: reproduces},
		}}
	}
}
