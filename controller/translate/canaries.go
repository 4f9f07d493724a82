package translate

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// addCanary adds a canary Ingress to the locations that it names. Each location needs a main Ingress, and has one canary at
// most.
func (r *routes) addCanary(owner *rules.Ingress) {
	entries := owner.Entries
	if owner.DefaultBackend != nil {
		entries = append(entries[:len(entries):len(entries)],
			rules.Entry{Location: location.Root(""), Service: *owner.DefaultBackend})
	}
	for _, entry := range entries {
		main, ok := r.main(entry)
		switch {
		case !ok:
			r.problems.Add(problem.Problem{
				Severity: problem.Warning, Reason: problem.CanaryWithoutMain, Object: problem.IngressObject(owner.Object),
				Message: fmt.Sprintf("canary for %s: no other Ingress has this path and path type, "+
					"so it gets no requests", entry.Location),
			})
			continue
		case main.canary != nil:
			r.problems.Add(problem.Problem{
				Severity: problem.Error, Reason: problem.CanaryConflict, Object: problem.IngressObject(owner.Object),
				Message: fmt.Sprintf("canary for %s: Ingress %q is its canary already", entry.Location, main.canary.Key()),
				Other:   problem.IngressObject(main.canary.Object),
			})
			continue
		}
		main.canary = owner
		forward, ok := main.route.Action.(route.Forward)
		if !ok {
			r.problems.Add(problem.Problem{
				Severity: problem.Warning, Reason: problem.CanaryWithoutMain, Object: problem.IngressObject(owner.Object),
				Message: fmt.Sprintf("canary for %s: the paths of Ingress %q are denied, so it gets no requests",
					entry.Location, main.from.Key()),
				Other: problem.IngressObject(main.from.Object),
			})
			continue
		}
		forward.Canary = newCanary(owner, r.upstreams.Backend(owner, entry.Service, r.denyCanary(owner, entry.Location, main)))
		main.route.Action = forward
		if r.mode.Reproduces(compatibility.CanaryByService) {
			r.spread(owner, forward)
		}
		r.served[owner] = true
		r.decisions = append(r.decisions, decision.CanaryAdded{
			Path: entry.Path, Server: decision.ServerName(entry.Host), Main: upstreamName(forward.Backends[0]),
			Canary: upstreamName(forward.Canary.Backend), Ingress: owner.Key(),
		})
	}
}

// main returns the claim that a canary's path joins. Canaries need not repeat that their paths are regular expressions.
func (r *routes) main(e rules.Entry) (*claim, bool) {
	if claim, ok := r.claims[e.Location]; ok {
		return claim, true
	}
	claim, ok := r.claims[location.Regex(e.Host, e.Written)]
	return claim, ok
}

// spread adds a canary to all locations with the same main upstream that have none.
func (r *routes) spread(owner *rules.Ingress, like route.Forward) {
	for _, other := range r.claims {
		forward, ok := other.route.Action.(route.Forward)
		if !ok || forward.Canary != nil || forward.Backends[0].Upstream != like.Backends[0].Upstream {
			continue
		}
		forward.Canary = like.Canary
		other.route.Action, other.canary = forward, owner
	}
}

// denyCanary returns why the requests of a canary are denied: its annotations restrict access in another way than those of
// its main Ingress, but only the policies of the main Ingress are applied. It is nil for other canaries.
func (r *routes) denyCanary(owner *rules.Ingress, loc location.Location, main *claim) *route.Deny {
	own := r.guards.of(owner, loc)
	switch {
	case own.deny != nil:
		return own.deny
	case !owner.Config.Access.Own || slices.EqualFunc(own.policies.access(), main.guard.policies.access(), route.Policy.Equal):
		return nil
	}
	r.problems.Add(problem.Problem{
		Severity: problem.Warning, Reason: problem.CanaryConflict, Object: problem.IngressObject(owner.Object),
		Message: fmt.Sprintf("canary for %s: its annotations restrict access in another way than those of Ingress %q, "+
			"so that its requests are answered with 503", loc, main.from.Key()),
		Other: problem.IngressObject(main.from.Object),
	})
	return &route.Deny{Status: http.StatusServiceUnavailable, Reason: "the canary's access control is not that of its main Ingress"}
}

func newCanary(owner *rules.Ingress, backend route.Backend) *route.Canary {
	c := owner.Config.Canary
	backend.Weight = 0 // the canary has its own
	return &route.Canary{
		Backend:       backend,
		Source:        owner.Source(),
		Header:        c.Header,
		HeaderValue:   c.HeaderValue,
		HeaderPattern: c.HeaderPattern,
		Cookie:        c.Cookie,
		Weight:        c.Weight,
		WeightTotal:   c.WeightTotal,
	}
}
