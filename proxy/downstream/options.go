package downstream

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/downstream/date"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// ErrNoUpgrade is returned by Client.Upgrade where the protocol has no upgrades.
var ErrNoUpgrade = errors.New("the client's protocol has no upgrades")

// Options are what a Server needs. All fields are required.
type Options struct {
	Logger *slog.Logger
	// TLS is the configuration of the TLS listener. It must offer "h2" by ALPN for HTTP/2.
	TLS *tls.Config
	// NewHandler makes the handler of an HTTP/1.1 connection, or of one stream after the other of HTTP/2.
	NewHandler func(peer Peer) Handler
	// Passthrough forwards TLS connections as they are; it returns those that it doesn't forward.
	Passthrough func(ctx context.Context, conn net.Conn) (rest net.Conn, done bool)
	// Reading returns how the headers of requests are read: over HTTP/1.1 it is called for each, over HTTP/2 once for a
	// connection.
	Reading func() *message.Reading
	// ProxyProtocol reports whether connections begin with a header of the PROXY protocol.
	ProxyProtocol func() bool
	// Connected counts the connections that are open.
	Connected *atomic.Int64

	Limits   Limits
	Timeouts Timeouts
}

// Limits bound what one client can make the proxy do.
type Limits struct {
	Connections int // of all clients
	Streams     int // running requests of an HTTP/2 connection
}

// Timeouts bound how long one client can keep the proxy waiting.
type Timeouts struct {
	ProxyHeader  time.Duration // for the header of the PROXY protocol
	TLSHandshake time.Duration
	Header       time.Duration // from a request's first byte to the end of its header
	Idle         time.Duration // between two requests
	Body         time.Duration // between two reads of a request body, or two writes of a reply
	Tunnel       time.Duration // without a frame while HTTP/2 requests are running
	Drain        time.Duration // for running requests when the server stops
}

// Server accepts clients and serves their requests.
type Server struct {
	options     Options
	connections *connections
	draining    atomic.Bool
	leaving     atomic.Bool
	dates       date.Cache
	// closed is done when the drain is over: what still runs is given up.
	closed context.Context //nolint:containedctx // the parent of each connection's context
	close  context.CancelFunc
}

// NewServer makes a server, which serves once.
func NewServer(options Options) *Server {
	closed, cancel := context.WithCancel(context.Background())
	return &Server{
		options: options, connections: newConnections(options.Limits.Connections), closed: closed, close: cancel,
	}
}
