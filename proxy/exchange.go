package proxy

import (
	"time"
	"unsafe"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// exchange is one request and its reply. It knows neither how the client's side is written nor how the endpoint's
// side is pooled. A connection uses one exchange for all its requests, one after the other, so that nothing is
// allocated.
type exchange struct {
	server  *Server
	client  *forwarded.Connection
	front   front
	request *message.Request

	snapshot *snapshot
	at       *location
	choice   choice
	info     forwarded.Info // who the request comes from
	entry    accesslog.Entry
	status   int
	bytesIn  int64
	bytesOut int64
	reason   string // why the proxy answers by itself
	pump     pump

	path, host, extra []byte // buffers
	requestID         []byte
	id                [32]byte // for a request that comes without
}

// serve answers the request. It reports whether the client's connection is fit for another one.
func (x *exchange) serve(now time.Time) bool {
	x.begin(now)
	fit := x.answer()
	x.record()
	x.snapshot, x.at, x.choice, x.info = nil, nil, choice{}, forwarded.Info{} // an idle connection must not keep an old table alive
	return fit
}

// begin forgets the last request.
func (x *exchange) begin(now time.Time) {
	x.snapshot = x.server.current.Load()
	x.at, x.choice = nil, choice{}
	x.status, x.bytesIn, x.bytesOut, x.reason = 0, 0, 0, ""
	x.extra = x.extra[:0]
	x.entry = accesslog.Entry{Time: now}
	x.path, x.host = x.path[:0], x.host[:0]
	x.identify()
}

// answer routes the request, and forwards it unless the proxy answers by itself.
func (x *exchange) answer() bool {
	if x.request.Asterisk || x.request.MaxForwards() == 0 {
		x.extra = append(x.extra, message.AllowLine...)
		return x.reply(200, "")
	}
	x.request.DecrementMaxForwards()
	var err error
	if x.path, err = urlpath.AppendNormal(x.path[:0], x.request.Path); err != nil {
		return x.reply(400, err.Error())
	}
	x.host = appendHostName(x.host[:0], x.request.Host)
	at, found := x.snapshot.hosts.Find(view(x.host), view(x.path))
	if !found {
		return x.reply(404, "no route")
	}
	x.at = at
	x.choice = x.snapshot.choose(at, x)
	if at.policy.HSTS != "" && x.info.Scheme == "https" {
		x.extra = appendLine(x.extra, "Strict-Transport-Security: ", at.policy.HSTS)
	}
	if at.policy.RedirectToHTTPS && x.info.Scheme == "http" {
		return x.redirect()
	}
	if limit := x.bodyLimit(); limit > 0 && x.request.Length > limit {
		return x.reply(413, "the body is too large")
	}
	if x.choice.endpoint < 0 {
		return x.reply(503, "no endpoint")
	}
	return x.forward()
}

// bodyLimit is the largest body in bytes; 0 is no limit.
func (x *exchange) bodyLimit() int64 {
	if x.at.policy.MaxBodyBytes > 0 {
		return x.at.policy.MaxBodyBytes
	}
	return x.server.config.Limits.BodyBytes
}

// record counts the request and writes it to the access log.
func (x *exchange) record() {
	duration := time.Since(x.entry.Time)
	series := x.server.metrics.Unrouted()
	if x.choice.target != nil {
		series = x.choice.target.series
	}
	series.Observe(x.status, duration, x.bytesIn, x.bytesOut)
	if x.server.access == nil {
		return
	}
	x.entry.Duration = duration
	x.entry.Client, x.entry.Scheme = x.info.Client, x.info.Scheme
	x.entry.Protocol = protocolName(x.request)
	x.entry.Method, x.entry.Host = view(x.request.Method), view(x.request.Host)
	x.entry.Path, x.entry.Query = view(x.path), view(x.request.Query)
	if len(x.path) == 0 {
		x.entry.Path = view(x.request.Path)
	}
	x.entry.UserAgent = view(x.request.Value(message.UserAgent))
	x.entry.Referer = view(x.request.Value(message.Referer))
	x.entry.RequestID = view(x.requestID)
	x.entry.Status, x.entry.BytesIn, x.entry.BytesOut = x.status, x.bytesIn, x.bytesOut
	if x.choice.target != nil {
		x.entry.Upstream = x.choice.target.backend.Upstream
	}
	x.entry.Error = x.reason
	x.server.access.Write(&x.entry)
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

// Header implements balance.Request.
func (x *exchange) Header(name string) (value string, found bool) {
	text, found := x.request.Lookup(name)
	return view(text), found
}

// Cookie implements balance.Request.
func (x *exchange) Cookie(name string) (value string, found bool) {
	for i := range x.request.Fields {
		if field := &x.request.Fields[i]; field.Kind == message.Cookie {
			if value, found = balance.FindCookie(view(field.Value), name); found {
				return value, true
			}
		}
	}
	return "", false
}

// appendHostName appends the host of an authority in lower case, without port and final dot.
func appendHostName(dst, authority []byte) []byte {
	start := len(dst)
	for i, c := range authority {
		if c == ':' && (authority[0] != '[' || authority[i-1] == ']') {
			break
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	if last := len(dst) - 1; last > start && dst[last] == '.' {
		dst = dst[:last]
	}
	return dst
}

func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// view is text without copying: valid for as long as the bytes are not changed.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text))
}
