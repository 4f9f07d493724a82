package rewriting

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Connection sends endpoints of HTTP/1.1 a Connection field, unless the client changes protocols. It is not for endpoints
// of HTTP/2, where the field is malformed (RFC 9113 section 8.2.2).
type Connection struct {
	Value string // "close" or "keep-alive"
}

// Stage implements policy.Policy.
func (Connection) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p Connection) Text() string { return fmt.Sprintf("connection %q", p.Value) }

// Equal implements route.Policy.
func (p Connection) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Request implements policy.RequestPolicy.
func (p Connection) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	if r.Message.Value(message.Upgrade) == nil {
		r.AddRequestHeader("Connection", p.Value)
	}
	return policy.Reply{}, false
}
