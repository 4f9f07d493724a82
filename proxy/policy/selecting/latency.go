package selecting

import (
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Latency sends requests to the faster of two endpoints that are drawn at random (balance.Latency), unless HashBy or a
// session selects one.
type Latency struct{}

// Stage implements policy.Policy.
func (Latency) Stage() policy.Stage { return policy.Selecting }

// Text implements route.Policy.
func (Latency) Text() string { return "balance by latency" }

// Equal implements route.Policy.
func (p Latency) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements policy.Configurer.
func (Latency) Configure(settings *policy.Settings) { settings.ByLatency = true }
