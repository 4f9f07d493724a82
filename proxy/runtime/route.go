package runtime

import (
	"fmt"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/match"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// Route is a compiled route.Route.
type Route struct {
	Chain policy.Chain
	// Series counts requests that are answered before a backend is selected.
	Series *metrics.Series
	// Pattern is that of the path, if it is a regular expression; nil if not.
	Pattern *regex.Expression

	path     string          // as the table writes it
	prefix   string          // the decoded path, if it is a prefix
	source   route.ObjectRef // as the table has it
	table    *route.Route    // what it was compiled of
	redirect *route.Redirect // nil unless the route redirects
	deny     *route.Deny     // nil unless the route denies
	backends []Backend
	weights  balance.Weights
	canary   *canary // nil without a canary
}

// Backend is a compiled route.Backend.
type Backend struct {
	// Upstream is the name of the upstream; "" for a backend that denies.
	Upstream string
	Service  route.ServiceRef
	// Deny answers the requests of the backend; nil for a backend with an upstream.
	Deny *route.Deny
	// Series counts the requests of the backend.
	Series *metrics.Series

	slot   int // of the upstream; -1 before it has one, or for a backend that denies
	weight int
	// secure is the name of the upstream of requests over HTTPS, and secureSlot its slot; "" is the other one.
	secure     string
	secureSlot int
}

type canary struct {
	rules   *balance.Canary
	source  route.ObjectRef
	backend Backend
}

// Source is the object that the route was made from.
func (r *Route) Source() route.ObjectRef { return r.source }

// Answer runs the route's request policies, and returns the reply if one of them answers or the route itself does. The
// reply's field lines are added to the request; its reply policies have yet to run.
func (r *Route) Answer(request *policy.Request) (reply policy.Reply, answered bool) {
	if reply, answered = r.Chain.Request(request); answered {
		return reply, true
	}
	switch {
	case r.deny != nil:
		return denied(r.deny), true
	case r.redirect != nil:
		return request.Redirect(r.redirect, r.prefix), true
	}
	return policy.Reply{}, false
}

func denied(deny *route.Deny) policy.Reply {
	return policy.Reply{Status: deny.Status, Reason: deny.Reason}
}

// newRoute compiles a route. A policy that can't be compiled may have been one that restricts access: the route is
// then denied, and err says why. made is nil if the route can't be served at all.
func newRoute(source route.Route, states *policy.States, compile compileChain) (made *Route, err error) {
	if err := source.Validate(); err != nil {
		return nil, err
	}
	made = &Route{path: source.Match.Path.Value, source: source.Source}
	switch source.Match.Path.Kind {
	case route.Prefix:
		decoded, err := urlpath.AppendDecoded(nil, made.path)
		if err != nil {
			return nil, err
		}
		made.prefix = string(decoded)
	case route.Regex:
		if made.Pattern, err = match.CompilePattern(source.Match.Path); err != nil {
			return nil, err
		}
	case route.Exact:
	}
	made.Chain, err = compile(source.Policies, states)
	if err != nil {
		made.deny = &route.Deny{Status: 503, Reason: err.Error()}
		return made, fmt.Errorf("it is answered with 503: %w", err)
	}
	switch action := source.Action.(type) {
	case route.Redirect:
		made.redirect = &action
	case route.Deny:
		made.deny = &action
	case route.Forward:
		return made, made.forward(action)
	}
	return made, nil
}

func (r *Route) forward(action route.Forward) error {
	weights := make([]int, len(action.Backends))
	for i, backend := range action.Backends {
		weights[i] = backend.Weight
		r.backends = append(r.backends, newBackend(backend))
	}
	r.weights = balance.NewWeights(weights)
	if action.Canary == nil {
		return nil
	}
	rules, err := balance.NewCanary(*action.Canary)
	if err != nil {
		return fmt.Errorf("it is served without its canary: %w", err)
	}
	r.canary = &canary{rules: rules, source: action.Canary.Source, backend: newBackend(action.Canary.Backend)}
	return nil
}

func newBackend(source route.Backend) Backend {
	if source.Deny != nil {
		return Backend{Service: source.Service, Deny: source.Deny, slot: -1, secureSlot: -1, weight: source.Weight}
	}
	return Backend{
		Upstream: source.Upstream, Service: source.Service, slot: -1, weight: source.Weight, secure: source.Secure, secureSlot: -1,
	}
}
