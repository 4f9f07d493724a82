package translate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// routes makes the routes of Ingresses.
type routes struct {
	mode         compatibility.Mode
	problems     *problem.List
	upstreams    *upstreams.Builder
	certificates *certificates.Assigner
	guards       *guards
	fields       *fields
	policies     *routePolicies
	decisions    []decision.Decision
	claims       claims
	// written has the last owner of each path, whatever its type.
	written map[writtenPath]*rules.Ingress
	// passthroughs are the hosts whose TLS connections are forwarded unchanged.
	passthroughs []route.Passthrough
	// served are the Ingresses that have a route or canary.
	served map[*rules.Ingress]bool
}

// writtenPath is a path of a host as a rule has it.
type writtenPath struct{ host, path string }

// addRules claims the locations of an Ingress's rules. The first Ingress that claims a location has it.
func (r *routes) addRules(owner *rules.Ingress) {
	reproduces := r.mode.Reproduces(compatibility.DuplicatePaths)
	for _, entry := range owner.Entries {
		if entry.Denied != "" {
			continue
		}
		if taken, ok := r.claims[entry.Location]; ok {
			found := conflict(owner, entry.Location, taken.from)
			if reproduces && taken.from == owner {
				found.Severity = problem.Warning
			}
			r.problems.Add(found)
			continue
		}
		written := writtenPath{entry.Host, entry.Written}
		if other, ok := r.written[written]; ok && reproduces && other != owner {
			r.problems.Add(conflict(owner, entry.Location, other))
		}
		r.written[written] = owner
		r.set(owner, entry.Location, entry.Service)
	}
}

// addDenied denies the locations of rules whose paths can't be read, unless another rule has the location.
func (r *routes) addDenied(owner *rules.Ingress) {
	for _, entry := range owner.Entries {
		if _, taken := r.claims[entry.Location]; entry.Denied == "" || taken {
			continue
		}
		made := route.Route{
			Match: entry.Match(), Policies: r.policies.everywhere, Source: owner.Source(),
			Action: route.Deny{Status: http.StatusServiceUnavailable, Reason: entry.Denied},
		}
		r.claims[entry.Location] = &claim{from: owner, route: made}
	}
}

// addDefaultBackend routes the remaining paths of an Ingress's hosts, and all hosts without rules, to its default backend: it
// "should handle requests that don't match any rule" (Ingress v1, "defaultBackend").
func (r *routes) addDefaultBackend(owner *rules.Ingress) {
	if owner.DefaultBackend == nil {
		return
	}
	used := false
	hosts := append([]string{""}, owner.Hosts...)
	if len(owner.Hosts) > 0 && r.mode.Reproduces(compatibility.DefaultBackendOfHosts) {
		hosts = owner.Hosts
	}
	for _, host := range hosts {
		root := location.Root(host)
		if taken, ok := r.claims[root]; ok {
			used = used || taken.from == owner
			continue
		}
		r.set(owner, root, *owner.DefaultBackend)
		used = true
	}
	if !used && len(owner.Object.Spec.Rules) == 0 {
		root := location.Root("")
		r.problems.Add(conflict(owner, root, r.claims[root].from))
	}
}

// upstreamName is the name of a backend in logs.
func upstreamName(backend route.Backend) string {
	if backend.Deny != nil {
		return "denied"
	}
	return backend.Upstream
}

func (r *routes) set(owner *rules.Ingress, loc location.Location, s rules.Service) {
	guard := r.guards.of(owner, loc)
	fields, deny := r.fields.replies(owner)
	if guard.deny == nil {
		guard.deny = deny
	}
	if owner.Config.Passthrough {
		denied := r.passOn(owner, loc, s, guard)
		guard.deny = &denied
	}
	backend := r.upstreams.Backend(owner, s, guard.deny)
	made := route.Route{
		Match: loc.Match(), Policies: slices.Concat(r.policies.of(owner, loc, s), fields, guard.policies), Source: owner.Source(),
	}
	if backend.Deny != nil {
		made.Action = *backend.Deny
	} else {
		made.Action = route.Forward{Backends: []route.Backend{backend}}
	}
	r.claims[loc] = &claim{from: owner, route: made, guard: guard}
	r.served[owner] = true
	if loc.Path == "/" && loc.Kind == route.Prefix {
		r.decisions = append(r.decisions, decision.LocationReplaced{
			Path: loc.Path, Server: decision.ServerName(loc.Host), Former: upstreams.DefaultName,
			Upstream: upstreamName(backend), Ingress: owner.Key(),
		})
		return
	}
	r.decisions = append(r.decisions, decision.LocationAdded{
		Path: loc.Path, Server: decision.ServerName(loc.Host), Upstream: upstreamName(backend), Ingress: owner.Key(),
	})
}

// addSlashRedirects redirects a path without the slash at the end of a rule's path to the path with it, unless a rule has the
// former.
func (r *routes) addSlashRedirects(owner *rules.Ingress) {
	for _, e := range owner.Entries {
		if !e.EndsInSlash() {
			continue
		}
		without := location.Location{Host: e.Host, Path: strings.TrimSuffix(e.Path, "/"), Kind: route.Exact}
		if _, taken := r.claims[without]; taken {
			continue
		}
		r.claims[without] = &claim{from: owner, route: route.Route{
			Match: without.Match(), Policies: r.policies.everywhere, Source: owner.Source(), Action: route.Redirect{
				Status: 301, Path: route.PathChange{Kind: route.ReplacePath, Value: without.Path + "/"},
			},
		}}
	}
}
