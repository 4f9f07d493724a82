package translate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// defaultUpstream is the name, in logs, of the upstream for paths that no Ingress claims.
const defaultUpstream = "upstream-default-backend"

// routes makes the routes of Ingresses.
type routes struct {
	mode         compatibility.Mode
	problems     *problems
	upstreams    *upstreams
	certificates *certificates
	guards       *guards
	fields       *fields
	policies     *routePolicies
	decisions    []decision.Decision
	claims       claims
	// written has the last owner of each path, whatever its type.
	written map[writtenPath]*ingress
	// passthroughs are the hosts whose TLS connections are forwarded unchanged.
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
		if taken, ok := r.claims[entry.Location]; ok {
			problem := conflict(owner, entry.Location, taken.from)
			if reproduces && taken.from == owner {
				problem.Severity = Warning
			}
			r.problems.add(problem)
			continue
		}
		written := writtenPath{entry.Host, entry.written}
		if other, ok := r.written[written]; ok && reproduces && other != owner {
			r.problems.add(conflict(owner, entry.Location, other))
		}
		r.written[written] = owner
		r.set(owner, entry.Location, entry.service)
	}
}

// addDenied denies the locations of rules whose paths can't be read, unless another rule has the location.
func (r *routes) addDenied(owner *ingress) {
	for _, entry := range owner.entries {
		if _, taken := r.claims[entry.Location]; entry.denied == "" || taken {
			continue
		}
		made := route.Route{
			Match: entry.Match(), Policies: r.policies.everywhere, Source: owner.source(),
			Action: route.Deny{Status: http.StatusServiceUnavailable, Reason: entry.denied},
		}
		r.claims[entry.Location] = &claim{from: owner, route: made}
	}
}

// addDefaultBackend routes the remaining paths of an Ingress's hosts, and all hosts without rules, to its default backend: it
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
		root := location.Root(host)
		if taken, ok := r.claims[root]; ok {
			used = used || taken.from == owner
			continue
		}
		r.set(owner, root, *owner.defaultBackend)
		used = true
	}
	if !used && len(owner.object.Spec.Rules) == 0 {
		root := location.Root("")
		r.problems.add(conflict(owner, root, r.claims[root].from))
	}
}

// upstreamName is the name of a backend in logs.
func upstreamName(backend route.Backend) string {
	if backend.Deny != nil {
		return "denied"
	}
	return backend.Upstream
}

func (r *routes) set(owner *ingress, loc location.Location, s service) {
	guard := r.guards.of(owner, loc)
	fields, deny := r.fields.replies(owner)
	if guard.deny == nil {
		guard.deny = deny
	}
	if owner.config.Passthrough {
		denied := r.passOn(owner, loc, s, guard)
		guard.deny = &denied
	}
	backend := r.upstreams.backend(owner, s, guard.deny)
	made := route.Route{
		Match: loc.Match(), Policies: slices.Concat(r.policies.of(owner, loc, s), fields, guard.policies), Source: owner.source(),
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
			Path: loc.Path, Server: decision.ServerName(loc.Host), Former: defaultUpstream,
			Upstream: upstreamName(backend), Ingress: owner.key(),
		})
		return
	}
	r.decisions = append(r.decisions, decision.LocationAdded{
		Path: loc.Path, Server: decision.ServerName(loc.Host), Upstream: upstreamName(backend), Ingress: owner.key(),
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
		without := location.Location{Host: e.Host, Path: strings.TrimSuffix(e.Path, "/"), Kind: route.Exact}
		if _, taken := r.claims[without]; taken {
			continue
		}
		r.claims[without] = &claim{from: owner, route: route.Route{
			Match: without.Match(), Policies: r.policies.everywhere, Source: owner.source(), Action: route.Redirect{
				Status: 301, Path: route.PathChange{Kind: route.ReplacePath, Value: without.Path + "/"},
			},
		}}
	}
}
