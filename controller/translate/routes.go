package translate

import (
	"fmt"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// defaultUpstream is how logs call what serves a path that no Ingress claims.
const defaultUpstream = "upstream-default-backend"

// placed is a route and the Ingress that it is from.
type placed struct {
	route route.Route
	from  *ingress
	// canary is the Ingress whose canary the route has; nil if it has none.
	canary *ingress
}

// routes gives each place to one Ingress.
type routes struct {
	problems     *problems
	upstreams    *upstreams
	certificates *certificates
	hsts         string
	steps        []Step
	places       map[place]*placed
	// served are the Ingresses that have a route or canary.
	served map[*ingress]bool
}

// addRules claims the places of an Ingress's rules. The first Ingress that claims a place has it.
func (r *routes) addRules(of *ingress) {
	for _, entry := range of.entries {
		if taken, ok := r.places[entry.place]; ok {
			r.conflict(of, entry.place, taken.from)
			continue
		}
		r.set(of, entry.place, entry.service)
	}
}

// addFallback makes the default backend of an Ingress serve what is left of its own hosts, and of all hosts that have
// no rules: it "should handle requests that don't match any rule" (Ingress v1, "defaultBackend").
func (r *routes) addFallback(of *ingress) {
	if of.fallback == nil {
		return
	}
	used := false
	for _, host := range append([]string{""}, of.hosts...) {
		root := place{host: host, path: "/", match: route.Prefix}
		if taken, ok := r.places[root]; ok {
			used = used || taken.from == of
			continue
		}
		r.set(of, root, *of.fallback)
		used = true
	}
	if !used && len(of.object.Spec.Rules) == 0 {
		root := place{path: "/", match: route.Prefix}
		r.conflict(of, root, r.places[root].from)
	}
}

// addCanary lets a canary Ingress join the places that it names. Each needs a main Ingress, and has one canary.
func (r *routes) addCanary(of *ingress) {
	entries := of.entries
	if of.fallback != nil {
		entries = append(entries[:len(entries):len(entries)],
			entry{place: place{path: "/", match: route.Prefix}, service: *of.fallback})
	}
	for _, entry := range entries {
		main, ok := r.places[entry.place]
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
		main.route.Canary = canary(of.config.Canary, r.upstreams.backend(of, entry.service))
		r.served[of] = true
		r.steps = append(r.steps, CanaryAdded{
			Path: entry.path, Server: serverName(entry.host), Main: main.route.Backend.Upstream,
			Canary: main.route.Canary.Backend.Upstream, Ingress: of.key(),
		})
	}
}

func canary(c *config.Canary, backend route.Backend) *route.Canary {
	return &route.Canary{
		Backend:       backend,
		Header:        c.Header,
		HeaderValue:   c.HeaderValue,
		HeaderPattern: c.HeaderPattern,
		Cookie:        c.Cookie,
		Weight:        c.Weight,
		WeightTotal:   c.WeightTotal,
	}
}

func (r *routes) set(of *ingress, at place, s service) {
	made := &placed{
		from: of,
		route: route.Route{
			Path: at.path, Match: at.match, Policy: r.policy(of, at.host), Backend: r.upstreams.backend(of, s),
		},
	}
	r.places[at] = made
	r.served[of] = true
	if at.path == "/" && at.match == route.Prefix {
		r.steps = append(r.steps, LocationReplaced{
			Path: at.path, Server: serverName(at.host), Former: defaultUpstream,
			Upstream: made.route.Backend.Upstream, Ingress: of.key(),
		})
		return
	}
	r.steps = append(r.steps, LocationAdded{
		Path: at.path, Server: serverName(at.host), Upstream: made.route.Backend.Upstream, Ingress: of.key(),
	})
}

func (r *routes) policy(of *ingress, host string) route.Policy {
	policy := route.Policy{
		Affinity:        of.config.Affinity,
		MaxBodyBytes:    of.config.MaxBodyBytes,
		ConnectTimeout:  of.config.Timeouts.Connect,
		ResponseTimeout: of.config.Timeouts.Response,
		RedirectToHTTPS: of.config.Redirect.Always,
	}
	if r.certificates.terminates(host) {
		policy.HSTS = r.hsts
		policy.RedirectToHTTPS = policy.RedirectToHTTPS || of.config.Redirect.IfCertificate
	}
	return policy
}

func (r *routes) conflict(of *ingress, at place, winner *ingress) {
	message := fmt.Sprintf("%s is already served by Ingress %q, which is older", at, winner.key())
	if winner == of {
		message = fmt.Sprintf("%s is there twice; the first one is served", at)
	} else if winner.object.CreationTimestamp.Equal(&of.object.CreationTimestamp) {
		message = fmt.Sprintf("%s is already served by Ingress %q", at, winner.key())
	}
	r.problems.add(Problem{
		Severity: Error, Reason: Conflict, Object: IngressObject(of.object), Message: message,
		Other: IngressObject(winner.object),
	})
}
