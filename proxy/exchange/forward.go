package exchange

import (
	"cmp"
	"errors"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// forward sends the request to an endpoint, and to the next one if the first could not be reached or has not processed
// it (upstream.Retryable), and relays the reply. The request does not wait for an endpoint that has left the table: if the
// current table has another one, that gets it.
func (x *exchange) forward() (reusable bool) {
	x.prepareCall()
	attempts, retries := x.attempts(), x.retries()
	started := x.outcome.started
	for {
		x.outcome.attempts++
		if x.selection.Pool().Left() {
			x.renew()
		}
		pool := x.selection.Pool()
		x.outcome.endpoint = pool.Address
		x.setHost(pool)
		reply, err := pool.RoundTrip(&x.call, started)
		if x.route.Chain.Settings.ByLatency {
			x.observe(pool, err, started)
		}
		if err == nil && x.outcome.attempts < attempts && retries.afterReply(reply) {
			_ = reply.Close() // it is replaced
			x.tryNext()
			started = time.Now()
			continue
		}
		if err == nil {
			now := time.Now()
			x.outcome.upstreamTime = now.Sub(x.outcome.started)
			if x.exceeds(reply.Header()) {
				_ = reply.Close() // it is replaced
				return x.reply(502, "the header of the reply is too large")
			}
			return x.relay(reply)
		}
		left := pool.Left()
		if left {
			attempts = min(attempts+1, mostAttempts) // an endpoint that has left does not count
		}
		if x.outcome.attempts >= attempts || !retries.afterError(err) || left && !x.renew() {
			return x.fail(err)
		}
		if left {
			x.options.Metrics.Retries.Add(1)
		} else {
			x.tryNext()
		}
		started = time.Now()
	}
}

// mostAttempts bounds the attempts of a request whose endpoints leave the table one after the other.
const mostAttempts = 10

// renew selects an endpoint of the current table, if that has one.
func (x *exchange) renew() bool { return x.selection.Renew(x.options.Table(), &x.request) }

// exceeds reports whether the header of a reply is larger than the route allows.
func (x *exchange) exceeds(header *message.Response) bool {
	limit := x.route.Chain.Settings.ReplyHeader
	return limit > 0 && header.Size() > limit && !x.selection.Upstream.Protocol.HTTP2()
}

// observe records how long an endpoint took to answer, unless the client has caused the error.
func (x *exchange) observe(pool *upstream.Pool, err error, started time.Time) {
	if errors.Is(err, upstream.ErrClientGone) || errors.As(err, new(*upstream.BodyError)) {
		return
	}
	now := time.Now()
	pool.Latency.Observe(now.Sub(started), err == nil, now)
}

func (x *exchange) tryNext() {
	x.options.Metrics.Retries.Add(1)
	x.selection.Next(&x.request)
}

// prepareCall sets what endpoints get of the request.
func (x *exchange) prepareCall() {
	x.message.DecrementMaxForwards()
	c := &x.call
	c.Request, c.Path = x.message, x.request.Path
	c.Lines = x.identity.AppendLines(c.Lines[:0], x.message, x.requestID.value)
	c.Lines, c.Params = append(c.Lines, x.request.RequestLines...), x.request.Params
	c.Client, c.Body = x.client, x.client.Body()
	if x.request.Copy != nil {
		c.Body = &copiedBody{body: c.Body, to: x.request.Copy}
	}
	c.BodyLimit = x.bodyLimit()
	c.Timeouts, c.HTTP10 = x.timeouts(), x.route.Chain.Settings.HTTP10
}

// timeouts are those of the route, or of the proxy.
func (x *exchange) timeouts() upstream.Timeouts {
	settings, timeouts := &x.route.Chain.Settings, x.options.Timeouts
	timeouts.Connect = cmp.Or(settings.ConnectTimeout, timeouts.Connect)
	timeouts.Response = cmp.Or(settings.ResponseTimeout, timeouts.Response)
	timeouts.Send = cmp.Or(settings.SendTimeout, timeouts.Send)
	return timeouts
}

// setHost sets the host that the endpoint gets: that of a policy, or of the request. A request of HTTP/1.0 may have none,
// which many servers refuse in HTTP/1.1 (RFC 9112 section 3.2); then it is the endpoint's own address.
func (x *exchange) setHost(pool *upstream.Pool) {
	host := x.request.UpstreamHost
	if host == "" && len(x.identity.Host) > 0 {
		x.call.Host = x.identity.Host
		return
	}
	x.host = append(x.host[:0], cmp.Or(host, pool.Address)...)
	x.call.Host = x.host
}

// fail answers a request to which no endpoint has replied.
func (x *exchange) fail(err error) (reusable bool) {
	var body *upstream.BodyError
	switch {
	case errors.As(err, &body):
		return x.failBody(body)
	case errors.Is(err, upstream.ErrClientGone):
		return x.abandon(err)
	case errors.Is(err, upstream.ErrLeft):
		return x.reply(503, err.Error())
	case upstream.IsTimeout(err):
		return x.reply(504, err.Error())
	case x.message.Major == 2 && isCancelled(err):
		x.outcome.status, x.outcome.reason = 502, err.Error()
		x.abort(err)
		return true
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

// isCancelled reports whether the endpoint has reset the stream with CANCEL. gRPC servers do so at the deadline of a call,
// and gRPC clients would take 502 for an unavailable server, and retry.
func isCancelled(err error) bool {
	const cancel = 8 // RFC 9113 section 7
	code, isReset := upstream.ResetCode(err)
	return isReset && code == cancel
}

// abort ends an incomplete reply. If the endpoint has reset the stream, the client gets the same code.
func (x *exchange) abort(err error) {
	if code, isReset := upstream.ResetCode(err); isReset {
		x.client.Reset(code)
		return
	}
	x.client.Abort()
}

// abandon ends the exchange with a client that has disconnected.
func (x *exchange) abandon(err error) (reusable bool) {
	x.outcome.status, x.outcome.reason = statusClientGone, err.Error()
	x.client.Abort()
	return false
}
