package policy

import (
	"cmp"
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// RedirectToHTTPS answers plain-text requests with a redirect to the same URL under HTTPS: 308 (Permanent Redirect, RFC
// 9110 section 15.4.9), which keeps method and body.
type RedirectToHTTPS struct {
	// Status instead of 308; 0 is 308.
	Status int
	// CutSlash leaves out one slash at the end of the URL, as ingress-nginx does.
	CutSlash bool
	// Unnamed redirects only requests without a host, to the host "_" (ingress-nginx).
	Unnamed bool
}

// Stage implements Policy.
func (RedirectToHTTPS) Stage() Stage { return Redirecting }

// Text implements route.Policy.
func (p RedirectToHTTPS) Text() string {
	text := "redirect to https"
	if p.Status != 0 && p.Status != 308 {
		text += fmt.Sprintf(" status=%d", p.Status)
	}
	if p.CutSlash {
		text += " without last slash"
	}
	if p.Unnamed {
		text += " without a host"
	}
	return text
}

// Equal implements route.Policy.
func (p RedirectToHTTPS) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements RequestPolicy.
func (p RedirectToHTTPS) Request(r *Request) (reply Reply, answered bool) {
	if r.Scheme != "http" || p.Unnamed && len(r.Host) > 0 {
		return Reply{}, false
	}
	to := route.Redirect{Status: cmp.Or(p.Status, 308), Scheme: "https", CutSlash: p.CutSlash}
	if p.Unnamed {
		to.Host = "_"
	}
	return r.Redirect(&to, ""), true
}
