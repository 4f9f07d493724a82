package rewriting

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// ForwardedPrefix sets X-Forwarded-Prefix, by which applications learn what was cut off their paths.
type ForwardedPrefix struct {
	Value string
}

// Stage implements policy.Policy.
func (ForwardedPrefix) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p ForwardedPrefix) Text() string { return fmt.Sprintf("forwarded prefix %q", p.Value) }

// Equal implements route.Policy.
func (p ForwardedPrefix) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements policy.RequestPolicy.
func (p ForwardedPrefix) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	r.Message.Remove(message.XForwardedPrefix)
	r.AddRequestHeader("X-Forwarded-Prefix", p.Value)
	return policy.Reply{}, false
}
