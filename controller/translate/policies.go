package translate

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/mirroring"
	"github.com/ingress-testbed/testbed/proxy/policy/redirecting"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// routePolicies makes the policies of routes, except those that restrict access (guards) and those of ConfigMaps (fields).
type routePolicies struct {
	mode         compatibility.Mode
	upstreams    *upstreams.Builder
	certificates *certificates.Assigner
	fields       *fields
	// everywhere are the policies of all replies, requests those of all requests that backends get.
	everywhere, requests policyList
	// affinities are those of Services; nil unless Ingresses share them.
	affinities map[rules.Service]policy.Affinity
}

// of returns the policies of one of an Ingress's routes; each line below is a setting.
func (p *routePolicies) of(owner *rules.Ingress, loc location.Location, s rules.Service) policyList {
	c := &owner.Config
	var policies policyList
	policies.addIf(c.Redirect.All != route.Redirect{}, redirecting.All{To: c.Redirect.All})
	policies.addIf(c.Redirect.Root != "", redirecting.Root{Path: c.Redirect.Root})
	policies.addIf(c.Replies.CORS != replying.CORS{}, c.Replies.CORS)
	policies.addIf(p.toHTTPS(owner, loc), policy.RedirectToHTTPS{Status: c.Redirect.Status, CutSlash: c.Redirect.CutSlash})
	policies.addIf(p.toUnnamed(owner, loc), policy.RedirectToHTTPS{Status: c.Redirect.Status, CutSlash: c.Redirect.CutSlash, Unnamed: true})
	rewrites := c.Rewrite.Target != "" && c.Rewrite.Target != loc.Path
	policies.addIf(rewrites, rewriting.Path{Target: c.Rewrite.Target})
	policies.addIf(rewrites && c.Rewrite.Prefix != "", rewriting.ForwardedPrefix{Value: c.Rewrite.Prefix})
	if p.upstreams.Protocol(owner, s) == route.FCGI {
		policies = append(policies, p.fields.fastCGI(owner)) // after the path was rewritten
	}
	policies.addIf(c.MaxBodyBytes > 0, policy.BodySize{Bytes: c.MaxBodyBytes})
	policies.addIf(c.ReplyHeader > 0, policy.ReplyHeader{Bytes: c.ReplyHeader})
	policies.addIf(c.Timeouts != config.Timeouts{}, policy.Timeouts(c.Timeouts))
	policies.addIf(!c.Retry.Equal(policy.Retry{}), c.Retry)
	policies.addIf(c.NotLogged, policy.NotLogged{})
	if c.UpstreamHost != "" {
		target := config.Target{Service: s.Name, Port: s.Port, Namespace: s.Namespace, Ingress: owner.Object.Name}
		host, _ := target.Fill(c.UpstreamHost) // it was checked before
		policies = append(policies, policy.UpstreamHost{Host: host})
	}
	policies.addIf(c.Balancing.HashBy.Key != "", c.Balancing.HashBy)
	policies.addIf(c.Balancing.ByLatency && c.Balancing.HashBy.Key == "", selecting.Latency{})
	policies.addIf(c.Affinity != policy.Affinity{}, p.affinity(owner, loc, s))
	policies.addIf(c.Replies.Connection != "" && !p.upstreams.Protocol(owner, s).HTTP2(), rewriting.Connection{Value: c.Replies.Connection})
	policies.addIf(c.Replies.Cookies != replying.Cookies{}, c.Replies.Cookies)
	policies.addIf(c.HTTP10, rewriting.HTTP10{})
	if mirror, found := p.mirror(owner); found {
		policies = append(policies, mirror)
	}
	if pages, found := p.errorPages(owner, s); found {
		policies = append(policies, pages)
	}
	policies.addIf(c.Replies.Location != replying.Location{}, c.Replies.Location)
	return slices.Concat(policies, p.requests, p.everywhere)
}

// mirror returns the policy of the server that gets copies of an Ingress's requests; found is false if it has none.
func (p *routePolicies) mirror(owner *rules.Ingress) (made mirroring.Mirror, found bool) {
	settings := &owner.Config.Mirror
	if settings.Server.Host == "" {
		return made, false
	}
	name, fault := p.upstreams.Server(owner, upstreams.MirrorServer, settings.Server.Host, &settings.Server)
	made = mirroring.Mirror{
		Upstream: name, Host: settings.Host, Path: settings.Server.Target, Body: settings.Body,
		HTTP10: p.mode.Reproduces(compatibility.OldRequests),
	}
	return made, fault == ""
}

// errorPages returns the policy of an Ingress's error pages; found is false if it has none.
func (p *routePolicies) errorPages(owner *rules.Ingress, s rules.Service) (pages policy.ErrorPages, found bool) {
	settings := owner.Config.Replies.ErrorPages
	own := p.upstreams.ErrorBackend(owner, settings.Backend)
	if len(settings.Statuses) == 0 && own == "" {
		return policy.ErrorPages{}, false
	}
	pages = policy.ErrorPages{
		Statuses: settings.Statuses, OwnOnly: settings.OwnOnly, Upstream: cmp.Or(own, p.upstreams.ErrorDefault()),
		Unavailable: own != "",
		Namespace:   s.Namespace, Ingress: owner.Object.Name, Service: s.Name, Port: s.Port,
	}
	switch {
	case pages.Upstream != "":
		pages.HTTP10 = p.mode.Reproduces(compatibility.OldRequests)
	case p.mode.Reproduces(compatibility.NoErrorBackend):
		pages.Status = http.StatusNotFound
	}
	return pages, true
}

// toHTTPS reports whether requests in plain text are redirected.
func (p *routePolicies) toHTTPS(owner *rules.Ingress, loc location.Location) bool {
	c := &owner.Config.Redirect
	isPlain := func(beginning string) bool { return strings.HasPrefix(loc.Path, beginning) }
	hasTLS := owner.Config.Passthrough || p.certificates.Terminates(loc.Host)
	return (c.Always || c.IfCertificate && hasTLS) && !slices.ContainsFunc(c.PlainPaths, isPlain)
}

// toUnnamed reports whether requests without a Host field are redirected, to the name that ingress-nginx has for the server
// of all other hosts: it treats the default certificate of that server as a certificate of the host.
func (p *routePolicies) toUnnamed(owner *rules.Ingress, loc location.Location) bool {
	return loc.Host == "" && owner.Config.Redirect.IfCertificate && !p.toHTTPS(owner, loc) && p.mode.Reproduces(compatibility.RedirectToUnnamed)
}

// affinity completes the settings of an Ingress for a route.
func (p *routePolicies) affinity(owner *rules.Ingress, loc location.Location, s rules.Service) policy.Affinity {
	affinity := owner.Config.Affinity
	if shared, ok := p.affinities[s]; ok {
		affinity = shared
	}
	switch {
	case owner.Config.Affinity.Path != "":
		affinity.Path = owner.Config.Affinity.Path
	case loc.Kind != route.Regex || p.mode.Reproduces(compatibility.CookieOfRegex):
		affinity.Path = loc.Path
	default:
		affinity.Path = "/"
	}
	return affinity
}

// shareAffinities gives all Ingresses of a Service with session affinity the settings of the last one, as in ingress-nginx.
func (p *routePolicies) shareAffinities(all []*rules.Ingress) {
	p.affinities = map[rules.Service]policy.Affinity{}
	for _, ingress := range all {
		if (ingress.Config.Affinity == policy.Affinity{}) || ingress.Config.Canary != nil {
			continue
		}
		for _, e := range ingress.Entries {
			p.affinities[e.Service] = ingress.Config.Affinity
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

func (l *policyList) addIf(condition bool, p route.Policy) {
	if condition {
		*l = append(*l, p)
	}
}

// access returns the policies that decide whether a request is allowed.
func (l policyList) access() policyList {
	return slices.DeleteFunc(slices.Clone(l), func(p route.Policy) bool {
		staged, ok := p.(policy.Policy)
		return ok && staged.Stage() != policy.Authorizing
	})
}
