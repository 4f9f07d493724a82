package config

import (
	"math"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy"
)

// defaultSessionCookie is the name that ingress-nginx gives the cookie, which clients may hold already.
const defaultSessionCookie = "INGRESSCOOKIE"

// parseAffinity returns the zero value without affinity.
func parseAffinity(r *setting.Reader) policy.Affinity {
	kind := r.Choice("affinity", "", "cookie")
	affinity := policy.Affinity{
		Cookie:   r.Checked("session-cookie-name", isToken, "it must be the name of a cookie"),
		Path:     r.Checked("session-cookie-path", isCookiePath, "it must be a path that begins with a slash"),
		MaxAge:   time.Duration(r.Int("session-cookie-max-age", 0, math.MaxInt32, 0)) * time.Second,
		SameSite: r.Choice("session-cookie-samesite", "", "None", "Lax", "Strict"),
		Secure:   r.Bool("session-cookie-secure", false),
	}
	if affinity.Cookie == "" {
		affinity.Cookie = defaultSessionCookie
	}
	if r.Choice("affinity-mode", "balanced", "balanced", "persistent") == "persistent" {
		r.Unsupported("affinity-mode", "persistent is not supported: sessions are balanced")
	}
	if r.Choice("affinity-canary-behavior", "sticky", "sticky", "legacy") == "legacy" {
		r.Unsupported("affinity-canary-behavior", "legacy is not supported: a session stays on its side of a canary")
	}
	if kind == "" {
		return policy.Affinity{}
	}
	return affinity
}

// isCookiePath is the rule for path-value (RFC 6265 section 4.1.1).
func isCookiePath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.ContainsFunc(text, func(c rune) bool {
		return c < ' ' || c >= 0x7f || c == ';'
	})
}
