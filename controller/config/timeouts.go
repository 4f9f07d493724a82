package config

import (
	"math"
	"time"
)

func parseTimeouts(r *reader, defaults Timeouts) Timeouts {
	return Timeouts{
		Connect:  r.seconds("proxy-connect-timeout", defaults.Connect),
		Response: r.seconds("proxy-read-timeout", defaults.Response),
	}
}

func (r *reader) seconds(name string, otherwise time.Duration) time.Duration {
	if value := r.integer(name, 1, math.MaxInt32, 0); value > 0 {
		return time.Duration(value) * time.Second
	}
	return otherwise
}
