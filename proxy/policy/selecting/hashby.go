// Package selecting has the policies that select an endpoint.
package selecting

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// HashBy sends requests of the same key to the same endpoint, or to the same few.
type HashBy struct {
	Key string // text with variables
	// Subset is how many endpoints a key has; 0 is one.
	Subset int
}

// Stage implements policy.Policy.
func (HashBy) Stage() policy.Stage { return policy.Selecting }

// Text implements route.Policy.
func (p HashBy) Text() string { return fmt.Sprintf("hash by %q subset=%d", p.Key, p.Subset) }

// Equal implements route.Policy.
func (p HashBy) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements policy.Configurer. A key that can't be read is reported by Bind.
func (p HashBy) Configure(settings *policy.Settings) {
	if key, err := variable.Parse(p.Key); err == nil {
		settings.HashKey, settings.HashSubset = key, p.Subset
	}
}

// Bind implements policy.Binder.
func (p HashBy) Bind(*policy.Binding) (hooks any, err error) {
	if _, err := variable.Parse(p.Key); err != nil {
		return nil, fmt.Errorf("the key %q: %w", p.Key, err)
	}
	return p, nil
}
