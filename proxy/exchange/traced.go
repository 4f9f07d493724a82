package exchange

import (
	"time"

	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// NewTraced makes a handler that serves exchanges as that of New does, and calls done with a description of each when it has
// ended.
func NewTraced(options *Options, peer downstream.Peer, done func(trace.Exchange)) downstream.Handler {
	return &traced{x: newExchange(options, peer), done: done}
}

// traced describes the exchanges of a connection.
type traced struct {
	x    *exchange
	done func(trace.Exchange)
}

// Serve implements downstream.Handler.
func (t *traced) Serve(client downstream.Client, request *message.Request, now time.Time) (reusable bool) {
	made := t.begin(client, request, now)
	reply, answered := t.x.find()
	if answered {
		reusable = t.x.reply(reply.Status, reply.Reason)
	} else {
		// before the policies change the request
		t.x.table.Explain(&made, &t.x.request, t.x.route)
		reusable = t.x.act()
		t.explainRoute(&made)
	}
	t.x.message = request // an internal redirect may have replaced it
	t.end(&made)
	return reusable
}

// Refuse implements downstream.Handler.
func (t *traced) Refuse(client downstream.Client, request *message.Request, now time.Time, reason *message.Error) {
	made := t.begin(client, request, now)
	t.x.refuse(reason)
	t.end(&made)
}

// begin describes the request as it has come.
func (t *traced) begin(client downstream.Client, request *message.Request, now time.Time) trace.Exchange {
	x := t.x
	x.begin(client, request, now)
	x.request.Events = map[int]*trace.Event{}
	made := trace.Exchange{
		Method: string(request.Method), Target: string(request.Path), Host: string(request.Host),
		Scheme: x.identity.Scheme, Client: x.identity.Client,
	}
	if request.HasQuery {
		made.Target += "?" + string(request.Query)
	}
	if x.tls != nil {
		certificate, name := x.table.Certificates().Match(x.tls.ServerName)
		made.Certificate = &trace.Certificate{ServerName: x.tls.ServerName, Name: name}
		if certificate != nil && len(certificate.Certificate) > 0 {
			made.Certificate.Leaf = certificate.Certificate[0]
		}
	}
	return made
}

// explainRoute describes what the route has done.
func (t *traced) explainRoute(made *trace.Exchange) {
	if x := t.x; x.route != nil {
		made.Route, made.Policies = x.route.Explain(&x.request)
		made.Selection = x.selection.Explain(x.route)
	}
}

func (t *traced) end(made *trace.Exchange) {
	made.Status, made.Reason, made.Attempts = t.x.outcome.status, t.x.outcome.reason, t.x.outcome.attempts
	t.x.record()
	t.x.end()
	t.done(*made)
}
