package config

import (
	"regexp"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// upstreamHost is what can be sent as a Host field: a name or an address, and perhaps a port. Variables of nginx,
// which ingress-nginx accepts, are not supported.
var upstreamHost = regexp.MustCompile(`^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

func parseUpstreamHost(r *setting.Reader) string {
	return r.Checked("upstream-vhost", upstreamHost.MatchString, `it must be a host name, such as "web.internal"`)
}
