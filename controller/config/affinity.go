package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy"
)

// defaultSessionCookie is the name that ingress-nginx gives the cookie, which clients may hold already.
const defaultSessionCookie = "INGRESSCOOKIE"

// parseAffinity returns the zero value without affinity. Without a path, the path of the rule is to be used.
func parseAffinity(r *setting.Reader, mode compatibility.Mode) policy.Affinity {
	kind := r.Choice("affinity", "", "cookie")
	affinity := policy.Affinity{
		Cookie:         r.Checked("session-cookie-name", setting.IsToken, "it must be the name of a cookie"),
		Path:           r.Checked("session-cookie-path", isCookiePath, "it must be a path that begins with a slash"),
		Domain:         r.Checked("session-cookie-domain", setting.IsServerName, "it must be a DNS name"),
		Expires:        time.Duration(r.Int("session-cookie-expires", 0, math.MaxInt32, 0)) * time.Second,
		SameSite:       parseSameSite(r),
		CompatibleNone: r.Bool("session-cookie-conditional-samesite-none", false),
		Secure:         r.Bool("session-cookie-secure", false),
		MainOnly:       r.Choice("affinity-canary-behavior", "sticky", "sticky", "legacy") == "legacy",
		Stay:           !r.Bool("session-cookie-change-on-failure", !mode.Reproduces(compatibility.SessionStays)),
	}
	if age := r.Int("session-cookie-max-age", 0, math.MaxInt32, -1); age >= 0 {
		affinity.MaxAge = strconv.Itoa(age)
	}
	if affinity.Cookie == "" {
		affinity.Cookie = defaultSessionCookie
	}
	if affinity.SameSite == "None" && !mode.Reproduces(compatibility.InsecureNone) {
		affinity.Secure = true
	}
	r.Choice("affinity-mode", "balanced", "balanced", "persistent") // a session keeps its endpoint in either mode
	if kind == "" {
		return policy.Affinity{}
	}
	return affinity
}

func parseSameSite(r *setting.Reader) string {
	const name = "session-cookie-samesite"
	text, given := r.Text(name)
	if !given {
		return ""
	}
	for _, value := range []string{"None", "Lax", "Strict"} {
		if strings.EqualFold(text, value) {
			return value
		}
	}
	r.Invalid(name, text, "it must be None, Lax or Strict")
	return ""
}

// isCookiePath is the rule for path-value (RFC 6265 section 4.1.1).
func isCookiePath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.ContainsFunc(text, func(c rune) bool {
		return c < ' ' || c >= 0x7f || c == ';'
	})
}
