package translate

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/mirroring"
	"github.com/ingress-testbed/testbed/proxy/policy/redirecting"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// defaultUpstream is how logs call what serves a path that no Ingress claims.
const defaultUpstream = "upstream-default-backend"

// routes makes the routes of Ingresses.
type routes struct {
	mode         compatibility.Mode
	problems     *problems
	upstreams    *upstreams
	certificates *certificates
	guards       *guards
	fields       *fields
	// everywhere are the policies of all replies, requests those of all requests that backends get.
	everywhere, requests policyList
	// affinities are those of Services; nil unless Ingresses share them.
	affinities map[service]policy.Affinity
	decisions  []decision.Decision
	claims     claims
	// written has the last owner of each path, whatever its type.
	written map[writtenPath]*ingress
	// passthroughs are the hosts whose TLS connections are forwarded as they are.
	passthroughs []route.Passthrough
	// served are the Ingresses that have a route or canary.
	served map[*ingress]bool
}

// writtenPath is a path of a host as a rule has it.
type writtenPath struct{ host, path string }

// addRules claims the locations of an Ingress's rules. The first Ingress that claims a location has it.
func (r *routes) addRules(owner *ingress) {
	reproduces := r.mode.Reproduces(compatibility.DuplicatePaths)
	for _, entry := range owner.entries {
		if entry.denied != "" {
			continue
		}
		if taken, ok := r.claims[entry.location]; ok {
			problem := conflict(owner, entry.location, taken.from)
			if reproduces && taken.from == owner {
				problem.Severity = Warning
			}
			r.problems.add(problem)
			continue
		}
		written := writtenPath{entry.host, entry.written}
		if other, ok := r.written[written]; ok && reproduces && other != owner {
			r.problems.add(conflict(owner, entry.location, other))
		}
		r.written[written] = owner
		r.set(owner, entry.location, entry.service)
	}
}

// addDenied denies what is closed in place of rules that can't be read, unless a rule has the location.
func (r *routes) addDenied(owner *ingress) {
	for _, entry := range owner.entries {
		if _, taken := r.claims[entry.location]; entry.denied == "" || taken {
			continue
		}
		made := route.Route{
			Match: entry.match(), Policies: r.everywhere, Source: owner.source(),
			Action: route.Deny{Status: http.StatusServiceUnavailable, Reason: entry.denied},
		}
		r.claims[entry.location] = &claim{from: owner, route: made}
	}
}

// addDefaultBackend makes the default backend of an Ingress serve the rest of its own hosts, and all hosts without rules: it
// "should handle requests that don't match any rule" (Ingress v1, "defaultBackend").
func (r *routes) addDefaultBackend(owner *ingress) {
	if owner.defaultBackend == nil {
		return
	}
	used := false
	hosts := append([]string{""}, owner.hosts...)
	if len(owner.hosts) > 0 && r.mode.Reproduces(compatibility.DefaultBackendOfHosts) {
		hosts = owner.hosts
	}
	for _, host := range hosts {
		root := location{host: host, path: "/", kind: route.Prefix}
		if taken, ok := r.claims[root]; ok {
			used = used || taken.from == owner
			continue
		}
		r.set(owner, root, *owner.defaultBackend)
		used = true
	}
	if !used && len(owner.object.Spec.Rules) == 0 {
		root := location{path: "/", kind: route.Prefix}
		r.problems.add(conflict(owner, root, r.claims[root].from))
	}
}

// addCanary lets a canary Ingress join the locations that it names. Each needs a main Ingress, and has one canary.
func (r *routes) addCanary(owner *ingress) {
	entries := owner.entries
	if owner.defaultBackend != nil {
		entries = append(entries[:len(entries):len(entries)],
			entry{location: location{path: "/", kind: route.Prefix}, service: *owner.defaultBackend})
	}
	for _, entry := range entries {
		main, ok := r.main(entry)
		switch {
		case !ok:
			r.problems.add(Problem{
				Severity: Warning, Reason: CanaryWithoutMain, Object: IngressObject(owner.object),
				Message: fmt.Sprintf("canary for %s: no other Ingress has this path and path type, "+
					"so it gets no requests", entry.location),
			})
			continue
		case main.canary != nil:
			r.problems.add(Problem{
				Severity: Error, Reason: CanaryConflict, Object: IngressObject(owner.object),
				Message: fmt.Sprintf("canary for %s: Ingress %q is its canary already", entry.location, main.canary.key()),
				Other:   IngressObject(main.canary.object),
			})
			continue
		}
		main.canary = owner
		forward, ok := main.route.Action.(route.Forward)
		if !ok {
			r.problems.add(Problem{
				Severity: Warning, Reason: CanaryWithoutMain, Object: IngressObject(owner.object),
				Message: fmt.Sprintf("canary for %s: the paths of Ingress %q are denied, so it gets no requests",
					entry.location, main.from.key()),
				Other: IngressObject(main.from.object),
			})
			continue
		}
		forward.Canary = newCanary(owner, r.upstreams.backend(owner, entry.service, r.denyCanary(owner, entry.location, main)))
		main.route.Action = forward
		if r.mode.Reproduces(compatibility.CanaryByService) {
			r.spread(owner, forward)
		}
		r.served[owner] = true
		r.decisions = append(r.decisions, decision.CanaryAdded{
			Path: entry.path, Server: decision.ServerName(entry.host), Main: upstreamName(forward.Backends[0]),
			Canary: upstreamName(forward.Canary.Backend), Ingress: owner.key(),
		})
	}
}

// main returns the claim that a canary's path joins. Canaries need not repeat that their paths are regular expressions.
func (r *routes) main(e entry) (*claim, bool) {
	if claim, ok := r.claims[e.location]; ok {
		return claim, true
	}
	claim, ok := r.claims[location{host: e.host, path: e.written, kind: route.Regex, ignoreCase: true}]
	return claim, ok
}

// spread lets a canary join all locations with the same main upstream that have none.
func (r *routes) spread(owner *ingress, like route.Forward) {
	for _, other := range r.claims {
		forward, ok := other.route.Action.(route.Forward)
		if !ok || forward.Canary != nil || forward.Backends[0].Upstream != like.Backends[0].Upstream {
			continue
		}
		forward.Canary = like.Canary
		other.route.Action, other.canary = forward, owner
	}
}

// denyCanary returns why a canary gets nothing: its annotations restrict access in another way than those of its main
// Ingress, whose policies alone are applied. It is nil for others.
func (r *routes) denyCanary(owner *ingress, at location, main *claim) *route.Deny {
	own := r.guards.of(owner, at)
	switch {
	case own.deny != nil:
		return own.deny
	case !owner.config.Access.Own || slices.EqualFunc(own.policies.access(), main.guard.policies.access(), route.Policy.Equal):
		return nil
	}
	r.problems.add(Problem{
		Severity: Warning, Reason: CanaryConflict, Object: IngressObject(owner.object),
		Message: fmt.Sprintf("canary for %s: its annotations restrict access in another way than those of Ingress %q, "+
			"so that its requests are answered with 503", at, main.from.key()),
		Other: IngressObject(main.from.object),
	})
	return &route.Deny{Status: http.StatusServiceUnavailable, Reason: "the canary's access control is not that of its main Ingress"}
}

// access are the policies that decide who may come in.
func (l policyList) access() policyList {
	return slices.DeleteFunc(slices.Clone(l), func(p route.Policy) bool {
		staged, ok := p.(policy.Policy)
		return ok && staged.Stage() != policy.Authorizing
	})
}

// upstreamName is how logs call a backend.
func upstreamName(backend route.Backend) string {
	if backend.Deny != nil {
		return "denied"
	}
	return backend.Upstream
}

func newCanary(owner *ingress, backend route.Backend) *route.Canary {
	c := owner.config.Canary
	backend.Weight = 0 // the canary has its own
	return &route.Canary{
		Backend:       backend,
		Source:        owner.source(),
		Header:        c.Header,
		HeaderValue:   c.HeaderValue,
		HeaderPattern: c.HeaderPattern,
		Cookie:        c.Cookie,
		Weight:        c.Weight,
		WeightTotal:   c.WeightTotal,
	}
}

func (r *routes) set(owner *ingress, at location, s service) {
	guard := r.guards.of(owner, at)
	fields, deny := r.fields.replies(owner)
	if guard.deny == nil {
		guard.deny = deny
	}
	if owner.config.Passthrough {
		denied := r.passOn(owner, at, s, guard)
		guard.deny = &denied
	}
	backend := r.upstreams.backend(owner, s, guard.deny)
	made := route.Route{
		Match: at.match(), Policies: slices.Concat(r.policies(owner, at, s), fields, guard.policies), Source: owner.source(),
	}
	if backend.Deny != nil {
		made.Action = *backend.Deny
	} else {
		made.Action = route.Forward{Backends: []route.Backend{backend}}
	}
	r.claims[at] = &claim{from: owner, route: made, guard: guard}
	r.served[owner] = true
	if at.path == "/" && at.kind == route.Prefix {
		r.decisions = append(r.decisions, decision.LocationReplaced{
			Path: at.path, Server: decision.ServerName(at.host), Former: defaultUpstream,
			Upstream: upstreamName(backend), Ingress: owner.key(),
		})
		return
	}
	r.decisions = append(r.decisions, decision.LocationAdded{
		Path: at.path, Server: decision.ServerName(at.host), Upstream: upstreamName(backend), Ingress: owner.key(),
	})
}

// policies are what the settings of an Ingress do to one of its routes, a line for each.
func (r *routes) policies(owner *ingress, at location, s service) policyList {
	c := &owner.config
	var policies policyList
	policies.addIf(c.Redirect.All != route.Redirect{}, redirecting.All{To: c.Redirect.All})
	policies.addIf(c.Redirect.Root != "", redirecting.Root{Path: c.Redirect.Root})
	policies.addIf(c.Replies.CORS != replying.CORS{}, c.Replies.CORS)
	policies.addIf(r.toHTTPS(owner, at), policy.RedirectToHTTPS{Status: c.Redirect.Status, CutSlash: c.Redirect.CutSlash})
	policies.addIf(r.toUnnamed(owner, at), policy.RedirectToHTTPS{Status: c.Redirect.Status, CutSlash: c.Redirect.CutSlash, Unnamed: true})
	rewrites := c.Rewrite.Target != "" && c.Rewrite.Target != at.path
	policies.addIf(rewrites, rewriting.Path{Target: c.Rewrite.Target})
	policies.addIf(rewrites && c.Rewrite.Prefix != "", rewriting.ForwardedPrefix{Value: c.Rewrite.Prefix})
	if r.upstreams.protocol(owner, s) == route.FCGI {
		policies = append(policies, r.fields.fastCGI(owner)) // after the path was rewritten
	}
	policies.addIf(c.MaxBodyBytes > 0, policy.BodySize{Bytes: c.MaxBodyBytes})
	policies.addIf(c.ReplyHeader > 0, policy.ReplyHeader{Bytes: c.ReplyHeader})
	policies.addIf(c.Timeouts != config.Timeouts{}, policy.Timeouts(c.Timeouts))
	policies.addIf(!c.Retry.Equal(policy.Retry{}), c.Retry)
	policies.addIf(c.NotLogged, policy.NotLogged{})
	policies.addIf(c.UpstreamHost != "", policy.UpstreamHost{Host: c.UpstreamHost})
	policies.addIf(c.Balancing.HashBy.Key != "", c.Balancing.HashBy)
	policies.addIf(c.Balancing.ByLatency && c.Balancing.HashBy.Key == "", selecting.Latency{})
	policies.addIf(c.Affinity != policy.Affinity{}, r.affinity(owner, at, s))
	policies.addIf(c.Replies.Connection != "" && !r.upstreams.protocol(owner, s).HTTP2(), rewriting.Connection{Value: c.Replies.Connection})
	policies.addIf(c.Replies.Cookies != replying.Cookies{}, c.Replies.Cookies)
	policies.addIf(c.HTTP10, rewriting.HTTP10{})
	if mirror, found := r.mirror(owner); found {
		policies = append(policies, mirror)
	}
	if pages, found := r.errorPages(owner, s); found {
		policies = append(policies, pages)
	}
	policies.addIf(c.Replies.Location != replying.Location{}, c.Replies.Location)
	return slices.Concat(policies, r.requests, r.everywhere)
}

// mirror returns the policy of the server that gets copies of an Ingress's requests; found is false if it has none.
func (r *routes) mirror(owner *ingress) (made mirroring.Mirror, found bool) {
	settings := &owner.config.Mirror
	if settings.Server.Host == "" {
		return made, false
	}
	name, fault := r.upstreams.server(owner, mirrorServer, settings.Server.Host, &settings.Server)
	made = mirroring.Mirror{
		Upstream: name, Host: settings.Host, Path: settings.Server.Target, Body: settings.Body,
		HTTP10: r.mode.Reproduces(compatibility.OldRequests),
	}
	return made, fault == ""
}

// errorPages returns the policy of an Ingress's error pages; found is false if it has none.
func (r *routes) errorPages(owner *ingress, s service) (pages policy.ErrorPages, found bool) {
	settings := owner.config.Replies.ErrorPages
	own := r.upstreams.errorBackend(owner, settings.Backend)
	if len(settings.Statuses) == 0 && own == "" {
		return policy.ErrorPages{}, false
	}
	pages = policy.ErrorPages{
		Statuses: settings.Statuses, OwnOnly: settings.OwnOnly, Upstream: cmp.Or(own, r.upstreams.errorDefault()),
		Unavailable: own != "",
		Namespace:   s.namespace, Ingress: owner.object.Name, Service: s.name, Port: s.port,
	}
	switch {
	case pages.Upstream != "":
		pages.HTTP10 = r.mode.Reproduces(compatibility.OldRequests)
	case r.mode.Reproduces(compatibility.NoErrorBackend):
		pages.Status = http.StatusNotFound
	}
	return pages, true
}

// toHTTPS reports whether requests in plain text are redirected.
func (r *routes) toHTTPS(owner *ingress, at location) bool {
	c := &owner.config.Redirect
	isPlain := func(beginning string) bool { return strings.HasPrefix(at.path, beginning) }
	hasTLS := owner.config.Passthrough || r.certificates.terminates(at.host)
	return (c.Always || c.IfCertificate && hasTLS) && !slices.ContainsFunc(c.PlainPaths, isPlain)
}

// toUnnamed reports whether requests without a Host field are redirected, to the name that ingress-nginx has for the server
// of all other hosts: it takes that server's default certificate for one of the host's.
func (r *routes) toUnnamed(owner *ingress, at location) bool {
	return at.host == "" && owner.config.Redirect.IfCertificate && !r.toHTTPS(owner, at) && r.mode.Reproduces(compatibility.RedirectToUnnamed)
}

// affinity completes the settings of an Ingress for a route.
func (r *routes) affinity(owner *ingress, at location, s service) policy.Affinity {
	affinity := owner.config.Affinity
	if shared, ok := r.affinities[s]; ok {
		affinity = shared
	}
	switch {
	case owner.config.Affinity.Path != "":
		affinity.Path = owner.config.Affinity.Path
	case at.kind != route.Regex || r.mode.Reproduces(compatibility.CookieOfRegex):
		affinity.Path = at.path
	default:
		affinity.Path = "/"
	}
	return affinity
}

// shareAffinities has the last Ingress of a Service decide about the sessions of all that have any.
func (r *routes) shareAffinities(all []*ingress) {
	r.affinities = map[service]policy.Affinity{}
	for _, ingress := range all {
		if (ingress.config.Affinity == policy.Affinity{}) || ingress.config.Canary != nil {
			continue
		}
		for _, e := range ingress.entries {
			r.affinities[e.service] = ingress.config.Affinity
		}
	}
}

// policiesEverywhere are the policies of all requests, those included that no Ingress claims.
func policiesEverywhere(global *config.Global) policyList {
	var policies policyList
	policies.addIf(global.HSTS != "", policy.HSTS{Value: global.HSTS, Own: global.Mode.Reproduces(compatibility.HSTSGaps)})
	policies.addIf(len(global.Compression) > 0, policy.Compress{Codings: global.Compression})
	return policies
}

// policyList collects policies in the order of their stages.
type policyList []route.Policy

func (l *policyList) addIf(wanted bool, p route.Policy) {
	if wanted {
		*l = append(*l, p)
	}
}
