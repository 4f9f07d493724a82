package config

import (
	"math"
	"strconv"
)

// parseHSTS makes the value of Strict-Transport-Security (RFC 6797 section 6.1). It is on unless it is switched off.
func parseHSTS(r *reader) string {
	on := r.boolean("hsts", true)
	value := "max-age=" + strconv.Itoa(r.integer("hsts-max-age", 0, math.MaxInt32, 31536000))
	if r.boolean("hsts-include-subdomains", true) {
		value += "; includeSubDomains"
	}
	if r.boolean("hsts-preload", false) {
		value += "; preload"
	}
	if !on {
		return ""
	}
	return value
}
