// Package policy has the policies of routes, which do more with requests than forwarding them: redirecting, limiting, changing
// headers. Each policy has a file of its own, and implements route.Policy and those of the hooks below that it needs:
//
//	Configurer     once, when the route is compiled: limits, time-outs, session cookies
//	RequestPolicy  before an endpoint is selected; may answer instead
//	ReplyPolicy    before the header of a reply is sent, the proxy's own replies included
//
// A route's policies are compiled to a Chain, which runs them in the order of their stages, whatever their order in the
// table. Policies are shared by all requests of a route: they must not change once they are in a table. None of the
// hooks may allocate for a request that takes the usual way.
package policy

import (
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Policy is a route.Policy that package policy can compile.
type Policy interface {
	route.Policy
	// Stage is when the policy runs. Policies of the same stage run in the order of the table.
	Stage() Stage
}

// Stage orders policies. The order is that of nginx's phases, because that is what users of ingress-nginx rely on: a
// client that would be redirected to HTTPS is redirected before a password is requested.
type Stage uint8

// The stages in their order.
const (
	Redirecting Stage = iota // answers that depend on the URL alone
	Limiting                 // rates, sizes
	Authorizing              // who may come in: addresses, passwords, external authorization
	Rewriting                // what the endpoint gets: path, headers
	Selecting                // which endpoint it is
	Replying                 // what the client gets: headers
)

// Settings are what policies configure for the whole exchange. Zero values leave it to the proxy's configuration.
type Settings struct {
	// BodyLimit is the largest request body in bytes.
	BodyLimit int64
	// ConnectTimeout bounds connecting to an endpoint, ResponseTimeout the silence of an endpoint.
	ConnectTimeout, ResponseTimeout time.Duration
	// SendTimeout bounds how long an endpoint may take nothing of the request.
	SendTimeout time.Duration
	// ReplyRate is how many bytes of a reply's body are sent in a second, after the first ReplyRateAfter bytes; 0 is no limit.
	ReplyRate, ReplyRateAfter int64
	// ReplyHeader is the largest header of a reply over HTTP/1.1, in bytes.
	ReplyHeader int
	// Retry is after which failures another endpoint gets the request; nil leaves it to the proxy.
	Retry *Retry
	// ErrorPages replaces replies; nil replaces none.
	ErrorPages *ErrorPages
	// HTTP10 sends requests in HTTP/1.0 to endpoints that don't get HTTP/2.
	HTTP10 bool
	// Affinity keeps a client on one endpoint; nil does not.
	Affinity *Affinity
	// HashKey is the text that selects an endpoint, or one of HashSubset endpoints if that is not 0; nil leaves it to the
	// turns.
	HashKey Text
	// NotLogged leaves requests out of the access log.
	NotLogged  bool
	HashSubset int
	// ByLatency selects endpoints by how fast they answer where HashKey is nil.
	ByLatency bool
}

// Text is a text that depends on the request.
type Text interface {
	// Append appends the text for a request.
	Append(dst []byte, r *Request) []byte
}

// Configurer is a policy that configures the exchange.
type Configurer interface {
	Policy
	Configure(settings *Settings)
}

// RequestPolicy is a policy that sees requests. If it answers, nothing else of the chain sees the request, and no
// endpoint gets it; the reply still passes the reply policies.
type RequestPolicy interface {
	Policy
	Request(r *Request) (reply Reply, answered bool)
}

// ReplyPolicy is a policy that sees the headers of final replies. reply is nil for a local reply.
type ReplyPolicy interface {
	Policy
	Reply(r *Request, reply *message.Response)
}

// Reply is an answer of the proxy itself.
type Reply struct {
	Status int
	// Reason of a local reply, for the access log; it may be "".
	Reason string
}
