package protection

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// Limits are how often and how fast each client may send requests to an Ingress. 0 is no limit.
type Limits struct {
	PerSecond, PerMinute int
	// BurstFactor times as many requests as the limits say may come at once.
	BurstFactor int
	Connections int
	// Exempt are networks of clients that are not limited.
	Exempt []netip.Prefix
	// RateStatus and ConnectionsStatus are those of the answers to requests that are refused.
	RateStatus, ConnectionsStatus int
	// ReplyRate is how many bytes a second a reply is sent with, after its first ReplyRateAfter bytes.
	ReplyRate, ReplyRateAfter int64
}

// ReadGlobalLimits reads the keys of the ConfigMap about limits.
func ReadGlobalLimits(r *setting.Reader) Limits {
	return Limits{
		RateStatus:        r.Int("limit-req-status-code", 400, 599, 503),
		ConnectionsStatus: r.Int("limit-conn-status-code", 400, 599, 503),
		ReplyRate:         kilobytes(r, "limit-rate", 0),
		ReplyRateAfter:    kilobytes(r, "limit-rate-after", 0),
	}
}

// ReadLimits reads the annotations of an Ingress about limits.
func ReadLimits(r *setting.Reader, global Limits) Limits {
	limits := global
	limits.PerSecond = limit(r, "limit-rps", 0)
	limits.PerMinute = limit(r, "limit-rpm", 0)
	limits.Connections = limit(r, "limit-connections", 0)
	limits.BurstFactor = max(limit(r, "limit-burst-multiplier", 5), 1)
	limits.ReplyRate = kilobytes(r, "limit-rate", global.ReplyRate)
	limits.ReplyRateAfter = kilobytes(r, "limit-rate-after", global.ReplyRateAfter)
	for _, name := range []string{"limit-whitelist", "limit-allowlist"} {
		if text, given := r.Text(name); given && text != "" {
			limits.Exempt = append(limits.Exempt, networks(r, name)...)
		}
	}
	return limits
}

// limit reads a whole number that protects the paths: they are denied if it is wrong. An empty text counts as not given.
func limit(r *setting.Reader, name string, otherwise int) int {
	text, _ := r.Text(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 0 || value > math.MaxInt32 {
		r.Deny(name, fmt.Sprintf("%q is not a whole number from 0 to %d", setting.Shorten(text), math.MaxInt32))
		return otherwise
	}
	return value
}

// kilobytes reads a number of KiB and returns bytes.
func kilobytes(r *setting.Reader, name string, otherwise int64) int64 {
	if value := limit(r, name, -1); value >= 0 {
		return int64(value) << 10
	}
	return otherwise
}
