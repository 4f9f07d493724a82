package policy

import "github.com/ingress-testbed/testbed/proxy/route"

// NotLogged leaves requests out of the access log.
type NotLogged struct{}

// Stage implements Policy.
func (NotLogged) Stage() Stage { return Replying }

// Text implements route.Policy.
func (NotLogged) Text() string { return "not in the access log" }

// Equal implements route.Policy.
func (p NotLogged) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (NotLogged) Configure(settings *Settings) { settings.NotLogged = true }
