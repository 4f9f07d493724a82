package translate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// passOn has the TLS connections of a host forwarded to the backend of its path "/", as the annotation ssl-passthrough
// says. It returns how the HTTP engine answers requests for the path: always with 503, because what it serves would not be
// encrypted up to the backend.
func (r *routes) passOn(owner *ingress, at location, s service, restricts guard) route.Deny {
	deny := func(reason Reason, message string) route.Deny {
		r.problems.add(Problem{
			Severity: Warning, Reason: reason, Object: IngressObject(owner.object),
			Message: fmt.Sprintf("ssl-passthrough: %s: %s; it answers 503", at, message),
		})
		return route.Deny{Status: http.StatusServiceUnavailable, Reason: "ssl-passthrough: " + message}
	}
	switch {
	case restricts.deny != nil:
		return *restricts.deny
	case !r.upstreams.snapshot.Settings.Passthrough:
		return deny(UnsupportedAnnotation, "the controller runs without the flag --enable-ssl-passthrough")
	case at.host == "":
		return deny(InvalidAnnotation, "TLS is passed on by the name of a host")
	case at.path != "/":
		return deny(InvalidAnnotation, `TLS is passed on whatever the path; only the path "/" is served`)
	case len(restricts.policies) > 0:
		return deny(InvalidAnnotation, "clients can't be kept out, because requests are not seen when TLS is passed on")
	}
	denied := route.Deny{Status: http.StatusServiceUnavailable, Reason: "ssl-passthrough: only TLS is passed on"}
	if slices.ContainsFunc(r.passthroughs, func(p route.Passthrough) bool { return p.Host == at.host }) {
		return denied // the path "/" is there as exact path and as prefix
	}
	made, wrong := r.upstreams.make("", upstreamKey{service: s, byService: owner.config.Balancing.ByService})
	if wrong != nil {
		severity := Warning
		if wrong.reason == NoEndpoints {
			severity = Notice
		}
		r.problems.add(Problem{Severity: severity, Reason: wrong.reason, Object: IngressObject(owner.object), Message: wrong.message})
	}
	r.passthroughs = append(r.passthroughs, route.Passthrough{Host: at.host, Service: s.ref(), Endpoints: made.Endpoints})
	return denied
}

// passedOn lists the hosts whose TLS connections are forwarded, and reports the paths of other Ingresses that are reached
// without TLS only.
func (r *routes) passedOn() []route.Passthrough {
	slices.SortFunc(r.passthroughs, func(a, b route.Passthrough) int { return strings.Compare(a.Host, b.Host) })
	for _, p := range r.passthroughs {
		winner := r.claims.root(p.Host)
		for at, claim := range r.claims {
			if at.host == p.Host && claim.from != winner {
				r.problems.add(Problem{
					Severity: Warning, Reason: Conflict, Object: IngressObject(claim.from.object), Other: IngressObject(winner.object),
					Message: fmt.Sprintf("%s is not reached over TLS, which Ingress %q has passed on for the host", at, winner.key()),
				})
			}
		}
	}
	return r.passthroughs
}

// root is the Ingress that has the connections of a host.
func (c claims) root(host string) *ingress {
	for _, kind := range []route.PathKind{route.Prefix, route.Exact} {
		if claim := c[location{host: host, path: "/", kind: kind}]; claim != nil && claim.from.config.Passthrough {
			return claim.from
		}
	}
	return nil
}
