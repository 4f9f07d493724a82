package config

// Redirect is when plain-text requests are redirected to HTTPS.
type Redirect struct {
	// IfCertificate redirects where the host has a certificate.
	IfCertificate bool
	// Always redirects everywhere: TLS may end at something in front of the controller.
	Always bool
}

func parseRedirect(r *reader, defaults Redirect) Redirect {
	return Redirect{
		IfCertificate: r.boolean("ssl-redirect", defaults.IfCertificate),
		Always:        r.boolean("force-ssl-redirect", defaults.Always),
	}
}
