package policy

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// UpstreamHost sends endpoints another Host field, or :authority, than the client's. X-Forwarded-Host stays the client's,
// as with ingress-nginx's upstream-vhost.
type UpstreamHost struct {
	Host string // and perhaps a port
}

// Stage implements Policy.
func (UpstreamHost) Stage() Stage { return Rewriting }

// Text implements route.Policy.
func (p UpstreamHost) Text() string { return fmt.Sprintf("upstream host %q", p.Host) }

// Equal implements route.Policy.
func (p UpstreamHost) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements RequestPolicy.
func (p UpstreamHost) Request(r *Request) (reply Reply, answered bool) {
	r.UpstreamHost = p.Host
	return Reply{}, false
}
