// Package redirecting has the policies that answer with a redirect instead of forwarding a request.
package redirecting

import (
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// All redirects all requests, as ingress-nginx's permanent-redirect and temporal-redirect do.
type All struct {
	To route.Redirect
}

// Stage implements policy.Policy.
func (All) Stage() policy.Stage { return policy.Redirecting }

// Text implements route.Policy.
func (p All) Text() string { return p.To.Text() }

// Equal implements route.Policy.
func (p All) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements policy.RequestPolicy.
func (p All) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	return r.Redirect(&p.To, ""), true
}

// Root redirects requests for "/", without their query, to another path of the same host, as ingress-nginx's app-root
// does.
type Root struct {
	Path string
}

// Stage implements policy.Policy.
func (Root) Stage() policy.Stage { return policy.Redirecting }

// Text implements route.Policy.
func (p Root) Text() string { return "redirect / to " + p.Path }

// Equal implements route.Policy.
func (p Root) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements policy.RequestPolicy.
func (p Root) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	if string(r.Decoded) != "/" {
		return policy.Reply{}, false
	}
	to := route.Redirect{Status: 302, Path: route.PathChange{Kind: route.ReplacePath, Value: p.Path}, DropQuery: true}
	return r.Redirect(&to, ""), true
}
