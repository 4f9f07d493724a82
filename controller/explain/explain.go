// Package explain answers one request with the objects of a snapshot, in this process, and explains the answer: the server
// and the path, and why the others were not selected, what each policy did, and what the backend received.
//
// The answer is the proxy's: it serves the request over a network in memory, traced (package proxy/trace), with backends
// that record what they get. This package decides nothing about a request itself.
package explain

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Explainer explains requests to the objects of one state of a cluster. Its methods may be called concurrently.
type Explainer struct {
	mode    compatibility.Mode
	options Options
	states  map[compatibility.Mode]*state
	// unclaimed are the Ingresses of other controllers.
	unclaimed []*networkingv1.Ingress
}

// Options of an Explainer. The zero value is usable.
type Options struct {
	// Backend answers for all endpoints. The address of the endpoint is http.LocalAddrContextKey of the request's
	// context. nil are stand-ins, which answer with 200.
	Backend http.Handler
	// BackendTLS is used for endpoints of secure protocols; nil is a self-signed certificate.
	BackendTLS *tls.Config
	// Refused reports whether an endpoint refuses connections; nil is none.
	Refused func(netip.AddrPort) bool
	// AuthStatus is the status with which stand-ins for external authentication servers answer; 0 is 200.
	AuthStatus int
	// Names describes what an address stands for; nil returns "" for all.
	Names func(netip.Addr) string
}

// state is the translation in one mode.
type state struct {
	translate.Result
	protocols map[netip.AddrPort]route.Protocol
	// auth are the endpoints that policies alone send requests to.
	auth map[netip.AddrPort]bool
}

// New translates the objects of a store. The mode is that of the settings.
func New(store snapshot.Store, settings snapshot.Settings, options Options) *Explainer {
	taken := snapshot.Take(store, settings)
	e := Of(taken, options)
	claimed := map[*networkingv1.Ingress]bool{}
	for _, ingress := range taken.Ingresses {
		claimed[ingress] = true
	}
	e.unclaimed = slices.DeleteFunc(slices.Clone(store.Ingresses()), func(i *networkingv1.Ingress) bool { return claimed[i] })
	return e
}

// Of translates a snapshot, which has nothing of Ingresses of other controllers.
func Of(taken *snapshot.Snapshot, options Options) *Explainer {
	e := &Explainer{mode: taken.Settings.Compatibility, options: options, states: map[compatibility.Mode]*state{}}
	for _, mode := range modes() {
		inMode := *taken
		inMode.Settings.Compatibility = mode
		e.states[mode] = newState(translate.Translate(&inMode))
	}
	return e
}

func modes() []compatibility.Mode {
	return []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx}
}

func newState(result translate.Result) *state {
	s := &state{Result: result, protocols: map[netip.AddrPort]route.Protocol{}, auth: map[netip.AddrPort]bool{}}
	backends, called := map[string]bool{}, map[string]bool{}
	for _, host := range result.Table.Hosts {
		for i := range host.Routes {
			addUpstreams(&host.Routes[i], backends, called)
		}
	}
	for _, upstream := range result.Table.Upstreams {
		for _, endpoint := range upstream.Endpoints {
			s.protocols[endpoint.Address] = upstream.Protocol
			if called[upstream.Name] && !backends[upstream.Name] {
				s.auth[endpoint.Address] = true
			}
		}
	}
	return s
}

// addUpstreams adds the upstreams that a route forwards to, and those that its policies send requests to.
func addUpstreams(r *route.Route, backends, called map[string]bool) {
	for _, p := range r.Policies {
		if user, ok := p.(policy.UpstreamUser); ok {
			for _, name := range user.Upstreams() {
				called[name] = true
			}
		}
	}
	forward, ok := r.Action.(route.Forward)
	if !ok {
		return
	}
	for _, backend := range forward.Backends {
		backends[backend.Upstream] = true
		if backend.Secure != "" {
			backends[backend.Secure] = true
		}
	}
	if forward.Canary != nil {
		backends[forward.Canary.Backend.Upstream] = true
	}
}

// Table returns the routing table of the Explainer's mode. It must not be changed.
func (e *Explainer) Table() *route.Table { return e.states[e.mode].Table }

// Explain sends a request and explains its answer, and how that of the other mode differs. An error is about a request that
// can't be sent, or the end of ctx.
func (e *Explainer) Explain(ctx context.Context, request Request) (*Explanation, error) {
	own, err := e.explain(ctx, e.mode, request)
	if err != nil {
		return nil, err
	}
	other := compatibility.Mend
	if e.mode == other {
		other = compatibility.IngressNginx
	}
	there, err := e.explain(ctx, other, request)
	if err != nil {
		return nil, fmt.Errorf("in the mode %s: %w", other, err)
	}
	own.Other = &Other{Mode: other.String(), Differences: differences(own, there)}
	return own, nil
}

func (e *Explainer) explain(ctx context.Context, mode compatibility.Mode, request Request) (*Explanation, error) {
	r := &run{state: e.states[mode], options: e.options, arrival: make(chan struct{})}
	if err := r.send(ctx, request); err != nil {
		return nil, err
	}
	x := r.explanation(request)
	x.Mode = mode.String()
	x.Notes = e.notes(mode, x)
	return x, nil
}

// notes are the problems of the Ingresses that serve the request or could have, and those of other controllers that name its
// host.
func (e *Explainer) notes(mode compatibility.Mode, x *Explanation) []string {
	var notes []string
	host := x.Host
	for _, problem := range e.states[mode].Problems {
		if problem.Object.Kind == "ConfigMap" || x.concerns(problem.Object.Namespace, problem.Object.Name) {
			notes = append(notes, fmt.Sprintf("%s: %s", problem.Object, problem.Message))
		}
	}
	for _, ingress := range e.unclaimed {
		if slices.ContainsFunc(ingress.Spec.Rules, func(rule networkingv1.IngressRule) bool { return covers(rule.Host, host) }) {
			notes = append(notes, fmt.Sprintf("Ingress %s is not served: %s", snapshot.Key(ingress), class(ingress)))
		}
	}
	return notes
}

// class says why an Ingress isn't the controller's.
func class(ingress *networkingv1.Ingress) string {
	name := ingress.Annotations["kubernetes.io/ingress.class"]
	if ingress.Spec.IngressClassName != nil {
		name = cmp.Or(name, *ingress.Spec.IngressClassName)
	}
	if name == "" {
		return "it has no class, and no IngressClass of this controller is the default"
	}
	return fmt.Sprintf("its class %q is not this controller's", name)
}

// errNoTrace is a bug: the proxy has answered without a trace.
var errNoTrace = errors.New("the proxy has not described the exchange")
