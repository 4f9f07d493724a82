package policy

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// BodySize limits the request body; a larger one is answered with 413 (Content Too Large, RFC 9110 section 15.5.14).
type BodySize struct {
	Bytes int64
}

// Stage implements Policy.
func (BodySize) Stage() Stage { return Limiting }

// Text implements route.Policy.
func (p BodySize) Text() string { return fmt.Sprintf("limit request bodies to %d bytes", p.Bytes) }

// Equal implements route.Policy.
func (p BodySize) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (p BodySize) Configure(settings *Settings) { settings.BodyLimit = p.Bytes }
