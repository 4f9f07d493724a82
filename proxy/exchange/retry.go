package exchange

import (
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// attempts is how many endpoints may get the request.
func (x *exchange) attempts() int {
	attempts := x.options.Attempts
	if retry := x.route.Chain.Settings.Retry; retry != nil && retry.Attempts > 0 {
		attempts = retry.Attempts
	}
	if !x.selection.Movable() {
		return 1
	}
	return min(attempts, x.selection.Upstream.Turns.Len())
}

// retries decides whether the next endpoint gets a request that an endpoint did not answer, or not well.
type retries struct {
	rules   *policy.Retry // of the route; nil if it has none
	call    *upstream.Call
	started time.Time // of the exchange
}

func (x *exchange) retries() retries {
	return retries{rules: x.route.Chain.Settings.Retry, call: &x.call, started: x.outcome.started}
}

// afterError reports whether the next endpoint gets the request after an error of RoundTrip.
func (r retries) afterError(err error) bool {
	switch {
	case r.rules == nil:
		return r.call.Retryable(err)
	case r.rules.Never || r.isLate():
		return false
	case r.call.Retryable(err):
		return true
	}
	return r.rules.Timeouts && upstream.IsTimeout(err) && r.call.Repeatable(r.rules.NonIdempotent)
}

// afterReply reports whether the next endpoint gets the request in spite of a reply. A request with a body is not sent again,
// because the body has been read.
func (r retries) afterReply(reply upstream.Reply) bool {
	return r.rules != nil && !r.rules.Never && slices.Contains(r.rules.Statuses, reply.Header().Status) &&
		!r.call.Request.HasBody() && r.call.Repeatable(r.rules.NonIdempotent) && !r.isLate()
}

// isLate reports whether the time in which requests are retried is over.
func (r retries) isLate() bool {
	return r.rules.Within > 0 && time.Since(r.started) > r.rules.Within
}
