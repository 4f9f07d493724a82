package config

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Redirect is which requests are redirected.
type Redirect struct {
	// IfCertificate redirects plain text to HTTPS where the host has a certificate.
	IfCertificate bool
	// Always redirects plain text everywhere: TLS may end at something in front of the controller.
	Always bool
	// Status of the redirects to HTTPS, and to or from www.
	Status int
	// CutSlash leaves out a slash at the end of the URL in the redirect to HTTPS.
	CutSlash bool
	// PlainPaths are beginnings of the paths of rules that are not redirected to HTTPS.
	PlainPaths []string

	// Root is where requests for "/" are redirected to; "" for none.
	Root string
	// All is what all requests are redirected with; the zero value for none.
	All route.Redirect
	// WWW redirects the host with "www." to the one without, or the other way round, whichever has no rules.
	WWW bool
}

func defaultRedirect(mode compatibility.Mode) Redirect {
	return Redirect{
		IfCertificate: true, Status: 308, CutSlash: mode.Reproduces(compatibility.CutSlash),
		PlainPaths: []string{"/.well-known/acme-challenge"},
	}
}

func parseRedirect(r *setting.Reader, defaults Redirect) Redirect {
	redirect := Redirect{
		IfCertificate: r.Bool("ssl-redirect", defaults.IfCertificate),
		Always:        r.Bool("force-ssl-redirect", defaults.Always),
		Status:        status(r, "http-redirect-code", defaults.Status, "301", "302", "307", "308"),
		CutSlash:      !r.Bool("preserve-trailing-slash", !defaults.CutSlash),
		PlainPaths:    defaults.PlainPaths,
		Root:          r.Checked("app-root", isPath, `it must be a path, such as "/app"`),
		WWW:           r.Bool("from-to-www-redirect", false),
	}
	if text, given := r.Text("no-tls-redirect-locations"); given {
		redirect.PlainPaths = setting.List(text)
	}
	const rule = `it must be a URL that begins with http:// or https://, without variables`
	permanent := r.Checked("permanent-redirect", isURL, rule)
	permanentCode := status(r, "permanent-redirect-code", 301, "301", "302", "303", "307", "308")
	temporal := r.Checked("temporal-redirect", isURL, rule)
	temporalCode := status(r, "temporal-redirect-code", 302, "301", "302", "303", "307")
	switch {
	case temporal != "":
		redirect.All = route.Redirect{Status: temporalCode, URL: temporal}
	case permanent != "":
		redirect.All = route.Redirect{Status: permanentCode, URL: permanent}
	}
	return redirect
}

func status(r *setting.Reader, name string, otherwise int, allowed ...string) int {
	text := r.Choice(name, strconv.Itoa(otherwise), allowed...)
	code, err := strconv.Atoi(text)
	if err != nil {
		return otherwise
	}
	return code
}

func isPath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.ContainsFunc(text, isUnsafe)
}

// isURL is the rule for URLs that clients are sent to.
func isURL(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && parsed.Host != "" && (parsed.Scheme == "http" || parsed.Scheme == "https") &&
		!strings.ContainsFunc(text, isUnsafe) && !strings.Contains(text, "$")
}

// isUnsafe reports whether a character must not be in a URL.
func isUnsafe(c rune) bool { return c <= ' ' || c >= 0x7f }
