package config

import (
	"time"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// Timeouts of a route; 0 leaves it to the proxy.
type Timeouts struct {
	Connect, Response, Send time.Duration
}

func parseTimeouts(r *setting.Reader, defaults Timeouts) Timeouts {
	return Timeouts{
		Connect:  r.Seconds("proxy-connect-timeout", defaults.Connect),
		Response: r.Seconds("proxy-read-timeout", defaults.Response),
		Send:     r.Seconds("proxy-send-timeout", defaults.Send),
	}
}
