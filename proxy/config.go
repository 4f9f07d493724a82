package proxy

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingress-testbed/testbed/proxy/stream"
	"github.com/ingress-testbed/testbed/proxy/trace"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// Config is how a Server works, whatever its table says. The zero value is usable.
type Config struct {
	// Logger gets what operators must know; nil logs nothing.
	Logger *slog.Logger
	// AccessLog gets one JSON object a line for each request; nil writes none.
	AccessLog io.Writer
	// Registerer gets the Prometheus metrics; nil keeps them unregistered.
	Registerer prometheus.Registerer

	Limits   Limits
	Timeouts Timeouts

	// PlainPort and TLSPort are the ports in X-Forwarded-Port and in redirects:
	// those that the world sees, not those that the listeners have. 0 means 80 and 443.
	PlainPort, TLSPort uint16

	// Trace gets a description of each exchange after its end, from the goroutine of its connection. It is for tools: what is
	// traced is slow. Nil traces nothing and costs nothing.
	Trace func(trace.Exchange)

	// DialContext connects to endpoints; nil means a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Ports opens the ports of streams; nil means a net.ListenConfig.
	Ports stream.Ports
}

// Limits bound what one client can make the proxy do. A zero is replaced by the default, named with each.
type Limits struct {
	// HeaderBytes is the largest request or reply header, start line included: 32 KiB. A larger request header
	// gets 431, a larger request target 414, a larger reply header 502.
	HeaderBytes int
	// HeaderFields is the largest number of fields in a header: 128.
	HeaderFields int
	// BodyBytes is the largest request body for routes without a limit of their own: none by default.
	BodyBytes int64
	// Connections is how many clients may be connected at once: 16384. Further ones wait in the listener's queue.
	Connections int
	// Streams is how many requests a client may have running on one HTTP/2 connection: 128.
	Streams int
	// IdlePerEndpoint is how many idle connections are kept to each endpoint: 320, as many as ingress-nginx keeps
	// for an upstream.
	IdlePerEndpoint int
	// Attempts is how many endpoints are tried for one request: 3, as in ingress-nginx.
	Attempts int
}

// Timeouts bound how long one peer can keep the proxy waiting. A zero is replaced by the default, named with each.
type Timeouts struct {
	ProxyHeader  time.Duration // for a PROXY protocol header: 10 s
	TLSHandshake time.Duration // 10 s
	Header       time.Duration // from a request's first byte to the end of its header: 60 s
	Idle         time.Duration // between two requests of a client: 75 s
	Body         time.Duration // between two reads of a request body, or two writes of a reply: 60 s
	Connect      time.Duration // to an endpoint, where the route says nothing: 5 s
	Response     time.Duration // for an endpoint's reply header, where the route says nothing: 60 s
	Tunnel       time.Duration // how long nothing may pass through an upgraded connection, where the route says nothing: 1 h
	UpstreamIdle time.Duration // how long an idle connection to an endpoint is kept: 60 s
	Drain        time.Duration // for running requests, when the server stops: 30 s
}

// upstreamOptions are those of connections to endpoints.
func (c *Config) upstreamOptions() upstream.Options {
	return upstream.Options{
		Dial: c.DialContext, MaxIdle: c.Limits.IdlePerEndpoint, MaxAge: c.Timeouts.UpstreamIdle,
		Limits: upstream.Limits{HeaderBytes: c.Limits.HeaderBytes, HeaderFields: c.Limits.HeaderFields},
	}
}

// streamOptions are those of the ports of streams.
func (c *Config) streamOptions(connected *atomic.Int64) stream.Options {
	return stream.Options{
		Logger: c.Logger, Ports: c.Ports, Dial: c.DialContext, Connected: connected, Connections: c.Limits.Connections,
		ProxyHeader: c.Timeouts.ProxyHeader, Connect: c.Timeouts.Connect, Drain: c.Timeouts.Drain,
	}
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.PlainPort = cmp.Or(c.PlainPort, 80)
	c.TLSPort = cmp.Or(c.TLSPort, 443)
	c.Limits = c.Limits.withDefaults()
	c.Timeouts = c.Timeouts.withDefaults()
	if c.DialContext == nil {
		c.DialContext = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return c
}

func (l Limits) withDefaults() Limits {
	l.HeaderBytes = cmp.Or(l.HeaderBytes, 32<<10)
	l.HeaderFields = cmp.Or(l.HeaderFields, 128)
	l.Connections = cmp.Or(l.Connections, 16384)
	l.Streams = cmp.Or(l.Streams, 128)
	l.IdlePerEndpoint = cmp.Or(l.IdlePerEndpoint, 320)
	l.Attempts = cmp.Or(l.Attempts, 3)
	return l
}

func (t Timeouts) withDefaults() Timeouts {
	t.ProxyHeader = cmp.Or(t.ProxyHeader, 10*time.Second)
	t.TLSHandshake = cmp.Or(t.TLSHandshake, 10*time.Second)
	t.Header = cmp.Or(t.Header, 60*time.Second)
	t.Idle = cmp.Or(t.Idle, 75*time.Second)
	t.Body = cmp.Or(t.Body, 60*time.Second)
	t.Connect = cmp.Or(t.Connect, 5*time.Second)
	t.Response = cmp.Or(t.Response, 60*time.Second)
	t.Tunnel = cmp.Or(t.Tunnel, time.Hour)
	t.UpstreamIdle = cmp.Or(t.UpstreamIdle, 60*time.Second)
	t.Drain = cmp.Or(t.Drain, 30*time.Second)
	return t
}
