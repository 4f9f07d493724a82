package passthrough

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/stream"
	"github.com/ingress-testbed/testbed/proxy/tunnel"
)

// Forwarder forwards connections. All fields are required.
type Forwarder struct {
	// Hosts returns the hosts of the table that is served now; nil if there are none, and nothing is read then.
	Hosts     func() *Hosts
	Connector stream.Connector
	Logger    *slog.Logger
	Handshake time.Duration // bounds waiting for the first message
	Idle      time.Duration // how long nothing may pass in either direction
}

// Forward forwards a connection, until both directions have ended, if its server name is that of a host. If not, it
// returns the connection as the proxy is to serve it: it begins with what was read.
func (f *Forwarder) Forward(ctx context.Context, conn net.Conn) (rest net.Conn, done bool) {
	hosts := f.Hosts()
	if hosts == nil {
		return conn, false
	}
	name, replay, err := peek(conn, f.Handshake)
	if err != nil {
		f.Logger.Debug("connection closed", "peer", conn.RemoteAddr(), "error", err)
		return nil, true
	}
	to := hosts.lookup(name)
	if to == nil {
		return replay, false
	}
	endpoint, _, err := f.Connector.Connect(ctx, route.TCP, to.turns, route.StreamLimits{})
	if err != nil {
		f.Logger.Debug("connection closed", "peer", conn.RemoteAddr(), "host", name, "service", to.Service.String(), "error", err)
		return nil, true
	}
	defer endpoint.Close()
	read := replay.unread
	replay.unread = nil
	t := tunnel.Tunnel{Client: replay, Endpoint: endpoint, Idle: f.Idle}
	t.Run(read, nil)
	return nil, true
}
