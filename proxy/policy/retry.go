package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Retry is after which failures of an endpoint another one gets the request: nginx's proxy_next_upstream. The same
// endpoint never gets it twice. What an endpoint may have processed is repeated only if the method is safe (RFC 9110
// section 9.2.1) and there is no body, or for any request with NonIdempotent.
type Retry struct {
	// Never leaves every failure to the client; the other conditions are ignored then.
	Never bool
	// Timeouts repeats requests that an endpoint has not answered in time. Requests that no endpoint has got are always
	// repeated, whatever the reason.
	Timeouts bool
	// Statuses are those of replies that are not forwarded as long as there is another endpoint.
	Statuses      []int
	NonIdempotent bool
	// Attempts is how many endpoints may get a request; 0 leaves it to the proxy.
	Attempts int
	// Within is for how long after its beginning a request is sent to another endpoint; 0 is no limit.
	Within time.Duration
}

// Stage implements Policy.
func (Retry) Stage() Stage { return Selecting }

// Text implements route.Policy.
func (p Retry) Text() string {
	if p.Never {
		return "retry never"
	}
	text := []string{"retry"}
	if p.Timeouts {
		text = append(text, "time-outs")
	}
	for _, status := range p.Statuses {
		text = append(text, fmt.Sprint(status))
	}
	if p.NonIdempotent {
		text = append(text, "non-idempotent")
	}
	if p.Attempts > 0 {
		text = append(text, fmt.Sprintf("attempts=%d", p.Attempts))
	}
	if p.Within > 0 {
		text = append(text, fmt.Sprintf("within=%s", p.Within))
	}
	return strings.Join(text, " ")
}

// Equal implements route.Policy.
func (p Retry) Equal(other route.Policy) bool {
	o, ok := other.(Retry)
	return ok && p.Never == o.Never && p.Timeouts == o.Timeouts && slices.Equal(p.Statuses, o.Statuses) &&
		p.NonIdempotent == o.NonIdempotent && p.Attempts == o.Attempts && p.Within == o.Within
}

// Configure implements Configurer.
func (p Retry) Configure(settings *Settings) { settings.Retry = &p }
