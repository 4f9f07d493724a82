package exchange

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/runtime"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// Options are the same for all exchanges of a proxy.
type Options struct {
	// Table returns the table that new requests are served by.
	Table   func() *runtime.Table
	Metrics *metrics.Collector
	Access  *accesslog.Writer // nil without an access log

	// HTTPPort and HTTPSPort are the proxy's ports as clients see them.
	HTTPPort, HTTPSPort uint16
	// BodyLimit is the largest request body in bytes for routes without a limit of their own; 0 is none.
	BodyLimit int64
	// Attempts is how many endpoints may be tried for one request.
	Attempts int
	// Timeouts are those of routes that set none of their own.
	Timeouts upstream.Timeouts
	// Tunnel is how long nothing may pass through an upgraded connection.
	Tunnel time.Duration
}

// exchange is one request and its reply. A connection has one exchange for all its requests, one after the other, so
// that a request allocates nothing.
//
// It has more methods than other types because each of them is a step of the same exchange, which needs the client, the
// request, the route and the outcome together: as a type of its own, a step would have to refer back to all of these. What has
// its own state is a type: the selection, the call, the retries, the outcome, the request's ID and X-Accel.
type exchange struct {
	options *Options
	peer    *forwarded.Connection
	tls     *tls.ConnectionState // of the client's connection; nil in plain text
	client  downstream.Client
	message *message.Request

	table     *runtime.Table
	route     *runtime.Route
	selection runtime.Selection
	identity  forwarded.Info
	request   policy.Request
	call      upstream.Call
	outcome   outcome
	requestID requestID
	accel     accel
	replaced  bool   // the reply is an error page
	host      []byte // a buffer for a host that is not the request's
}

// outcome is the part of an exchange that metrics and the access log record.
type outcome struct {
	started      time.Time
	status       int
	bytesOut     int64
	reason       string // why the proxy itself answers, or why the reply is incomplete
	endpoint     string
	attempts     int
	upstreamTime time.Duration
}

// New makes the handler of a connection.
func New(options *Options, peer downstream.Peer) downstream.Handler {
	return newExchange(options, peer)
}

func newExchange(options *Options, peer downstream.Peer) *exchange {
	x := &exchange{options: options, peer: identify(options, peer), tls: peer.TLS}
	x.request.HTTPPort, x.request.HTTPSPort = options.HTTPPort, options.HTTPSPort
	return x
}

// Serve implements downstream.Handler.
func (x *exchange) Serve(client downstream.Client, request *message.Request, now time.Time) (reusable bool) {
	x.begin(client, request, now)
	reusable = x.answer()
	x.message = request // an internal redirect may have replaced it
	x.record()
	x.end()
	return reusable
}

// Refuse implements downstream.Handler.
func (x *exchange) Refuse(client downstream.Client, request *message.Request, now time.Time, reason *message.Error) {
	x.begin(client, request, now)
	x.refuse(reason)
	x.record()
	x.end()
}

// refuse answers a request that could not be parsed.
func (x *exchange) refuse(reason *message.Error) {
	status := reason.Status
	if status == http.StatusRequestHeaderFieldsTooLarge && x.table.Quirks().Has(quirk.HeaderStatus) {
		status = http.StatusBadRequest
	}
	x.reply(status, reason.Reason)
}

func (x *exchange) begin(client downstream.Client, request *message.Request, now time.Time) {
	x.client, x.message, x.table = client, request, x.options.Table()
	x.outcome = outcome{started: now}
	x.call.Begin()
	x.replaced, x.accel = false, accel{}
	if x.table.Settings().UnderscoresInHeaders {
		request.AllowUnderscores()
	}
	x.identity = x.table.Forwarded().Resolve(x.peer, request)
	x.requestID.use(request.Value(message.XRequestID), !x.table.Settings().NoRequestIDs)
	x.beginRequest()
}

// beginRequest prepares the request as policies see it.
func (x *exchange) beginRequest() {
	x.request.Reset()
	x.request.Message, x.request.Context = x.message, x.client.Context()
	x.request.Scheme, x.request.Client = x.identity.Scheme, x.identity.Client
	x.request.TLS, x.request.ID, x.request.Upstreams = x.tls, x.requestID.value, x.table
}

// end drops what must not stay in memory while the connection is idle.
func (x *exchange) end() {
	x.request.Release()
	x.client, x.message, x.table, x.route, x.selection = nil, nil, nil, nil, runtime.Selection{}
	x.identity, x.requestID.value = forwarded.Info{}, nil
	x.request.Reset()
	x.request.Path, x.request.Decoded, x.request.Key = kept(x.request.Path), kept(x.request.Decoded), kept(x.request.Key)
	x.request.ReplyLines = kept(x.request.ReplyLines)
	x.call.Client, x.call.Body, x.call.Request = nil, nil, nil
	x.call.Path, x.call.Host, x.call.Lines = nil, nil, kept(x.call.Lines)
}

// keptBuffer is the capacity in bytes of a buffer that an idle connection may keep.
const keptBuffer = 1 << 10

func kept(buffer []byte) []byte {
	if cap(buffer) > keptBuffer {
		return nil
	}
	return buffer[:0]
}
