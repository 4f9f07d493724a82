package exchange

import (
	"slices"
	"time"

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

// retries reports whether the next endpoint gets the request after an error of RoundTrip.
func (x *exchange) retries(err error) bool {
	retry := x.route.Chain.Settings.Retry
	switch {
	case retry == nil:
		return x.call.Retryable(err)
	case retry.Never || x.isLate(retry.Within):
		return false
	case x.call.Retryable(err):
		return true
	}
	return retry.Timeouts && upstream.IsTimeout(err) && x.call.Repeatable(retry.NonIdempotent)
}

// retriesReply reports whether the next endpoint gets the request in spite of a reply. A body is not sent again: it is
// gone by then.
func (x *exchange) retriesReply(reply upstream.Reply) bool {
	retry := x.route.Chain.Settings.Retry
	return retry != nil && !retry.Never && slices.Contains(retry.Statuses, reply.Header().Status) &&
		!x.message.HasBody() && x.call.Repeatable(retry.NonIdempotent) && !x.isLate(retry.Within)
}

// isLate reports whether the request is older than a limit; 0 is no limit.
func (x *exchange) isLate(limit time.Duration) bool {
	return limit > 0 && time.Since(x.outcome.started) > limit
}
