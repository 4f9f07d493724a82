package translate

import (
	"fmt"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// defaultUpstream is how logs call what serves a path that no Ingress claims.
const defaultUpstream = "upstream-default-backend"

// routes makes the routes of Ingresses.
type routes struct {
	problems     *problems
	upstreams    *upstreams
	certificates *certificates
	hsts         string
	steps        []Step
	claims       claims
	// served are the Ingresses that have a route or canary.
	served map[*ingress]bool
}

// addRules claims the places of an Ingress's rules. The first Ingress that claims a place has it.
func (r *routes) addRules(of *ingress) {
	for _, entry := range of.entries {
		if taken, ok := r.claims[entry.place]; ok {
			r.problems.add(conflict(of, entry.place, taken.from))
			continue
		}
		r.set(of, entry.place, entry.service)
	}
}

// addFallback makes the default backend of an Ingress serve the rest of its own hosts, and all hosts without rules: it
// "should handle requests that don't match any rule" (Ingress v1, "defaultBackend").
func (r *routes) addFallback(of *ingress) {
	if of.fallback == nil {
		return
	}
	used := false
	for _, host := range append([]string{""}, of.hosts...) {
		root := place{host: host, path: "/", kind: route.Prefix}
		if taken, ok := r.claims[root]; ok {
			used = used || taken.from == of
			continue
		}
		r.set(of, root, *of.fallback)
		used = true
	}
	if !used && len(of.object.Spec.Rules) == 0 {
		root := place{path: "/", kind: route.Prefix}
		r.problems.add(conflict(of, root, r.claims[root].from))
	}
}

// addCanary lets a canary Ingress join the places that it names. Each needs a main Ingress, and has one canary.
func (r *routes) addCanary(of *ingress) {
	entries := of.entries
	if of.fallback != nil {
		entries = append(entries[:len(entries):len(entries)],
			entry{place: place{path: "/", kind: route.Prefix}, service: *of.fallback})
	}
	for _, entry := range entries {
		main, ok := r.claims[entry.place]
		switch {
		case !ok:
			r.problems.add(Problem{
				Severity: Warning, Reason: CanaryWithoutMain, Object: IngressObject(of.object),
				Message: fmt.Sprintf("canary for %s: no other Ingress has this path and path type, "+
					"so it gets no requests", entry.place),
			})
			continue
		case main.canary != nil:
			r.problems.add(Problem{
				Severity: Error, Reason: CanaryConflict, Object: IngressObject(of.object),
				Message: fmt.Sprintf("canary for %s: Ingress %q is its canary already", entry.place, main.canary.key()),
				Other:   IngressObject(main.canary.object),
			})
			continue
		}
		main.canary = of
		forward, ok := main.route.Action.(route.Forward)
		if !ok {
			r.problems.add(Problem{
				Severity: Warning, Reason: CanaryWithoutMain, Object: IngressObject(of.object),
				Message: fmt.Sprintf("canary for %s: the paths of Ingress %q are denied, so it gets no requests",
					entry.place, main.from.key()),
				Other: IngressObject(main.from.object),
			})
			continue
		}
		forward.Canary = newCanary(of, r.upstreams.backend(of, entry.service))
		main.route.Action = forward
		r.served[of] = true
		r.steps = append(r.steps, CanaryAdded{
			Path: entry.path, Server: serverName(entry.host), Main: upstreamName(forward.Backends[0]),
			Canary: upstreamName(forward.Canary.Backend), Ingress: of.key(),
		})
	}
}

// upstreamName is how logs call a backend.
func upstreamName(backend route.Backend) string {
	if backend.Deny != nil {
		return "denied"
	}
	return backend.Upstream
}

func newCanary(of *ingress, backend route.Backend) *route.Canary {
	c := of.config.Canary
	backend.Weight = 0 // the canary has its own
	return &route.Canary{
		Backend:       backend,
		Source:        of.source(),
		Header:        c.Header,
		HeaderValue:   c.HeaderValue,
		HeaderPattern: c.HeaderPattern,
		Cookie:        c.Cookie,
		Weight:        c.Weight,
		WeightTotal:   c.WeightTotal,
	}
}

func (r *routes) set(of *ingress, at place, s service) {
	backend := r.upstreams.backend(of, s)
	made := route.Route{Match: at.match(), Policies: r.policies(of, at.host), Source: of.source()}
	if backend.Deny != nil {
		made.Action = *backend.Deny
	} else {
		made.Action = route.Forward{Backends: []route.Backend{backend}}
	}
	r.claims[at] = &claim{from: of, route: made}
	r.served[of] = true
	if at.path == "/" && at.kind == route.Prefix {
		r.steps = append(r.steps, LocationReplaced{
			Path: at.path, Server: serverName(at.host), Former: defaultUpstream,
			Upstream: upstreamName(backend), Ingress: of.key(),
		})
		return
	}
	r.steps = append(r.steps, LocationAdded{
		Path: at.path, Server: serverName(at.host), Upstream: upstreamName(backend), Ingress: of.key(),
	})
}

// policies are what the settings of an Ingress do to its routes for a host, a line for each.
func (r *routes) policies(of *ingress, host string) []route.Policy {
	c := &of.config
	terminates := r.certificates.terminates(host)
	var policies policyList
	policies.addIf(c.Redirect.Always || c.Redirect.IfCertificate && terminates, policy.RedirectToHTTPS{})
	policies.addIf(c.MaxBodyBytes > 0, policy.BodySize{Bytes: c.MaxBodyBytes})
	policies.addIf(c.Timeouts != config.Timeouts{}, policy.Timeouts{Connect: c.Timeouts.Connect, Response: c.Timeouts.Response})
	policies.addIf(c.UpstreamHost != "", policy.UpstreamHost{Host: c.UpstreamHost})
	policies.addIf(c.Affinity != policy.Affinity{}, c.Affinity)
	policies.addIf(terminates && r.hsts != "", policy.HSTS{Value: r.hsts})
	return policies
}

// policyList collects policies in the order of their stages.
type policyList []route.Policy

func (l *policyList) addIf(wanted bool, p route.Policy) {
	if wanted {
		*l = append(*l, p)
	}
}
