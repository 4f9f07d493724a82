package exchange

import (
	"time"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// statusClientGone is nginx's status for a client that has disconnected. Only logs and metrics show it.
const statusClientGone = 499

// record counts the exchange and writes it to the access log.
func (x *exchange) record() {
	o := &x.outcome
	duration := time.Since(o.started)
	series := x.options.Metrics.Unrouted()
	var upstreamName string
	switch {
	case x.selection.Backend != nil:
		series, upstreamName = x.selection.Backend.Series, x.selection.Backend.Upstream
	case x.route != nil:
		series = x.route.Series
	}
	series.Observe(o.status, duration, x.call.BytesIn, o.bytesOut)
	if x.options.Access == nil {
		return
	}
	rules := x.table.AccessLog()
	if x.route != nil && x.route.Chain.Settings.NotLogged || !rules.Logs(view(x.message.Path), view(x.message.Query), x.message.HasQuery) {
		return
	}
	path := x.request.Path
	if len(path) == 0 {
		path = x.message.Path
	}
	entry := accesslog.Entry{
		Time: o.started, Duration: duration, Client: x.identity.Client, Scheme: x.identity.Scheme,
		Protocol: protocolName(x.message), Method: view(x.message.Method), Host: view(x.message.Host),
		Path: view(path), Query: view(x.message.Query), UserAgent: view(x.message.Value(message.UserAgent)),
		Referer: view(x.message.Value(message.Referer)), RequestID: view(x.requestID.value),
		Status: o.status, BytesIn: x.call.BytesIn, BytesOut: o.bytesOut, Upstream: upstreamName,
		Endpoint: o.endpoint, Attempts: o.attempts, UpstreamTime: o.upstreamTime, Error: o.reason, Request: x.message,
	}
	if x.route != nil {
		source := x.route.Source()
		entry.Namespace, entry.Ingress = source.Namespace, source.Name
	}
	if x.selection.Backend != nil {
		entry.Service, entry.ServicePort = x.selection.Backend.Service.Name, x.selection.Backend.Service.Port
	}
	x.options.Access.Write(rules, &entry)
}

func protocolName(r *message.Request) string {
	switch {
	case r.Major == 2:
		return "HTTP/2.0"
	case r.Minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}
