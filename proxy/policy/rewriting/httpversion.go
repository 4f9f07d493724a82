package rewriting

import (
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// HTTP10 sends requests to endpoints in HTTP/1.0, each on a connection of its own. Endpoints of HTTP/2 get that all the
// same.
type HTTP10 struct{}

// Stage implements policy.Policy.
func (HTTP10) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (HTTP10) Text() string { return "HTTP/1.0" }

// Equal implements route.Policy.
func (p HTTP10) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements policy.Configurer.
func (HTTP10) Configure(settings *policy.Settings) { settings.HTTP10 = true }
