package config

import "github.com/ingress-testbed/testbed/controller/config/setting"

// Redirect is when plain-text requests are redirected to HTTPS.
type Redirect struct {
	// IfCertificate redirects where the host has a certificate.
	IfCertificate bool
	// Always redirects everywhere: TLS may end at something in front of the controller.
	Always bool
}

func parseRedirect(r *setting.Reader, defaults Redirect) Redirect {
	return Redirect{
		IfCertificate: r.Bool("ssl-redirect", defaults.IfCertificate),
		Always:        r.Bool("force-ssl-redirect", defaults.Always),
	}
}
