package proxy

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// transports carry requests to endpoints, one for each protocol. They keep connections by address, so that these
// outlive the tables.
type transports struct {
	http1, h2c *http.Transport
}

// connectTimeout is the context key of a route's own limit.
type connectTimeout struct{}

func newTransports(config Config) transports {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		limit := config.Timeouts.Connect
		if own, _ := ctx.Value(connectTimeout{}).(time.Duration); own > 0 {
			limit = own
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return config.DialContext(ctx, network, address)
	}
	transport := func(http1 bool) *http.Transport {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(http1)
		protocols.SetUnencryptedHTTP2(!http1)
		return &http.Transport{
			DialContext:            dial,
			Protocols:              protocols,
			DisableCompression:     true, // it would ask for gzip in the client's name
			MaxIdleConns:           0,
			MaxIdleConnsPerHost:    config.Limits.IdlePerEndpoint,
			IdleConnTimeout:        config.Timeouts.UpstreamIdle,
			MaxResponseHeaderBytes: int64(config.Limits.HeaderBytes),
		}
	}
	return transports{http1: transport(true), h2c: transport(false)}
}

func (t transports) of(protocol route.Protocol) *http.Transport {
	if protocol == route.H2C {
		return t.h2c
	}
	return t.http1
}

func (t transports) close() {
	t.http1.CloseIdleConnections()
	t.h2c.CloseIdleConnections()
}
