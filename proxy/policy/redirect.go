package policy

import "github.com/ingress-testbed/testbed/proxy/route"

// RedirectToHTTPS answers plain-text requests with a redirect to the same URL under HTTPS: 308 (Permanent Redirect, RFC
// 9110 section 15.4.9), which keeps method and body.
type RedirectToHTTPS struct{}

// Stage implements Policy.
func (RedirectToHTTPS) Stage() Stage { return Redirecting }

// Text implements route.Policy.
func (RedirectToHTTPS) Text() string { return "redirect to https" }

// Equal implements route.Policy.
func (p RedirectToHTTPS) Equal(other route.Policy) bool { return other == route.Policy(p) }

// toHTTPS is the redirect that RedirectToHTTPS answers with.
//
//nolint:gochecknoglobals // a value that is never changed
var toHTTPS = route.Redirect{Status: 308, Scheme: "https"}

// Request implements RequestPolicy.
func (RedirectToHTTPS) Request(r *Request) (reply Reply, answered bool) {
	if r.Scheme != "http" {
		return Reply{}, false
	}
	return r.Redirect(&toHTTPS, ""), true
}
