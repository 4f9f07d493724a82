package config

import (
	"math"
	"strconv"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// parseHSTS makes the value of Strict-Transport-Security (RFC 6797 section 6.1). It is on unless it is switched off.
func parseHSTS(r *setting.Reader) string {
	on := r.Bool("hsts", true)
	value := "max-age=" + strconv.Itoa(r.Int("hsts-max-age", 0, math.MaxInt32, 31536000))
	if r.Bool("hsts-include-subdomains", true) {
		value += "; includeSubDomains"
	}
	if r.Bool("hsts-preload", false) {
		value += "; preload"
	}
	if !on {
		return ""
	}
	return value
}
