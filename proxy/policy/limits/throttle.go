package limits

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Throttle limits how fast each reply is sent, as nginx's limit_rate and limit_rate_after do.
type Throttle struct {
	Rate  int64 // bytes of the body in a second
	After int64 // so many bytes are sent without a limit
}

// Stage implements policy.Policy.
func (Throttle) Stage() policy.Stage { return policy.Replying }

// Text implements route.Policy.
func (p Throttle) Text() string {
	return fmt.Sprintf("limit replies to %d bytes in a second after %d", p.Rate, p.After)
}

// Equal implements route.Policy.
func (p Throttle) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements policy.Configurer.
func (p Throttle) Configure(settings *policy.Settings) {
	settings.ReplyRate, settings.ReplyRateAfter = p.Rate, p.After
}
