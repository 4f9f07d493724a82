package exchange

import (
	"errors"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// forward sends the request to an endpoint, and to the next one if the first could not be reached or has not processed
// it (upstream.Retryable), and relays the reply.
func (x *exchange) forward() (reusable bool) {
	x.prepareCall()
	attempts := min(x.options.Attempts, x.selection.Upstream.Turns.Len())
	started := x.outcome.started
	for {
		x.outcome.attempts++
		pool := x.selection.Pool()
		x.outcome.endpoint = pool.Address
		reply, err := pool.RoundTrip(&x.call, started)
		if err == nil {
			now := time.Now()
			x.outcome.upstreamTime = now.Sub(x.outcome.started)
			return x.relay(reply)
		}
		if x.outcome.attempts >= attempts || !x.call.Retryable(err) {
			return x.fail(err)
		}
		x.options.Metrics.Retries.Add(1)
		x.selection.Next(&x.request)
		started = time.Now()
	}
}

// prepareCall fills in what endpoints get.
func (x *exchange) prepareCall() {
	settings := &x.route.Chain.Settings
	x.message.DecrementMaxForwards()
	c := &x.call
	c.Request, c.Path, c.Host = x.message, x.request.Path, x.identity.Host
	if x.request.UpstreamHost != "" {
		x.host = append(x.host[:0], x.request.UpstreamHost...)
		c.Host = x.host
	}
	c.Lines = x.identity.AppendLines(c.Lines[:0], x.message, x.requestID.value)
	c.Lines = append(c.Lines, x.request.RequestLines...)
	c.Client, c.Body = x.client, x.client.Body()
	c.BodyLimit = x.bodyLimit()
	c.Timeouts = x.options.Timeouts
	if settings.ConnectTimeout > 0 {
		c.Timeouts.Connect = settings.ConnectTimeout
	}
	if settings.ResponseTimeout > 0 {
		c.Timeouts.Response = settings.ResponseTimeout
	}
}

// fail answers for endpoints that gave no reply.
func (x *exchange) fail(err error) (reusable bool) {
	var body *upstream.BodyError
	switch {
	case errors.As(err, &body):
		return x.failBody(body)
	case errors.Is(err, upstream.ErrClientGone):
		return x.abandon(err)
	case upstream.IsTimeout(err):
		return x.reply(504, err.Error())
	}
	return x.reply(502, err.Error())
}

// failBody answers a request whose body could not be read from the client.
func (x *exchange) failBody(err *upstream.BodyError) (reusable bool) {
	var refused *message.Error
	switch {
	case errors.As(err, &refused):
		return x.reply(refused.Status, err.Error())
	case upstream.IsTimeout(err):
		return x.reply(408, err.Error())
	}
	return x.abandon(err)
}

// abandon ends the exchange with a client that is gone.
func (x *exchange) abandon(err error) (reusable bool) {
	x.outcome.status, x.outcome.reason = statusClientGone, err.Error()
	x.client.Abort()
	return false
}
