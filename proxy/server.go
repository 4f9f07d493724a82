package proxy

import (
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/exchange"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/passthrough"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/runtime"
	"github.com/ingress-testbed/testbed/proxy/stream"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// Server is a reverse proxy. Make one with New, give it tables with Apply, and listeners with Serve; the first two
// may continue while it serves. All methods may be called concurrently.
type Server struct {
	config  Config
	access  *accesslog.Writer // nil without an access log
	metrics *metrics.Collector

	table      atomic.Pointer[runtime.Table]
	applying   sync.Mutex // guards compiler
	compiler   *runtime.Compiler
	pools      *upstream.Registry
	streams    *stream.Server
	downstream *downstream.Server
}

// New makes a server with an empty table: until the first Apply it answers every request with 404. It fails if the
// metrics can't be registered or there is no randomness for a key.
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	generated, err := certs.SelfMade()
	if err != nil {
		return nil, err
	}
	collector := metrics.NewCollector()
	if config.Registerer != nil {
		if err := config.Registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering the proxy's metrics: %w", err)
		}
	}
	s := &Server{config: config, metrics: collector, pools: upstream.NewRegistry(config.upstreamOptions())}
	s.streams = stream.NewServer(s.config.streamOptions(&collector.Connections))
	limits := &config.Limits
	s.compiler = runtime.NewCompiler(collector, s.pools, generated,
		message.Reading{Bytes: limits.HeaderBytes, Fields: limits.HeaderFields})
	if config.Trace != nil {
		s.compiler.Trace()
	}
	if config.AccessLog != nil {
		s.access = accesslog.NewWriter(config.AccessLog, config.Logger)
	}
	s.downstream = downstream.NewServer(s.downstreamOptions())
	s.Apply(&route.Table{})
	return s, nil
}

// Apply compiles a table and swaps it in: requests that come after Apply has returned are served by it, those that
// are running end by the table that they began with. The table must not be changed afterwards.
//
// What can't be compiled (a certificate that doesn't match its key, a pattern that is not a regular expression, a path
// that can't be normalised, a host or path that is there twice) is returned as problems and left out; the rest is
// served.
func (s *Server) Apply(table *route.Table) (problems []error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	next, problems := s.compiler.Compile(table)
	s.table.Store(next)
	s.metrics.Generation.Add(1)
	return append(problems, s.streams.Apply(table.Streams)...)
}

// Update replaces upstreams of the table that is served, by name, as Apply with a table that differs in nothing else
// would. It is for endpoints that come and go, and costs little however large the table is. It fails, and changes nothing,
// if the table does not have one of the upstreams.
func (s *Server) Update(upstreams []route.Upstream) (problems []error, err error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	next, problems, err := s.compiler.Update(upstreams)
	if err != nil {
		return nil, fmt.Errorf("updating upstreams: %w", err)
	}
	s.table.Store(next)
	s.metrics.Generation.Add(1)
	return problems, nil
}

// Table returns the table that is served now. It must not be changed.
func (s *Server) Table() *route.Table { return s.table.Load().Source() }

// downstreamOptions connect the client's side with exchanges.
func (s *Server) downstreamOptions() downstream.Options {
	limits, timeouts := &s.config.Limits, &s.config.Timeouts
	exchanges := &exchange.Options{
		Table: s.table.Load, Metrics: s.metrics, Access: s.access,
		HTTPPort: s.config.PlainPort, HTTPSPort: s.config.TLSPort,
		BodyLimit: limits.BodyBytes, Attempts: limits.Attempts, Tunnel: timeouts.Tunnel,
		Timeouts: upstream.Timeouts{Connect: timeouts.Connect, Response: timeouts.Response, Send: timeouts.Body},
	}
	return downstream.Options{
		Logger: s.config.Logger, TLS: s.tlsConfig(), Connected: &s.metrics.Connections,
		NewHandler:    s.newHandler(exchanges),
		Passthrough:   s.passthrough().Forward,
		ProxyProtocol: func() bool { return s.table.Load().Settings().ProxyProtocol },
		Reading:       func() *message.Reading { return s.table.Load().Reading() },
		Limits:        downstream.Limits{Connections: limits.Connections, Streams: limits.Streams},
		Timeouts: downstream.Timeouts{
			ProxyHeader: timeouts.ProxyHeader, TLSHandshake: timeouts.TLSHandshake, Header: timeouts.Header,
			Idle: timeouts.Idle, Body: timeouts.Body, Tunnel: timeouts.Tunnel, Drain: timeouts.Drain,
		},
	}
}

func (s *Server) newHandler(options *exchange.Options) func(downstream.Peer) downstream.Handler {
	if s.config.Trace == nil {
		return func(peer downstream.Peer) downstream.Handler { return exchange.New(options, peer) }
	}
	return func(peer downstream.Peer) downstream.Handler {
		return exchange.NewTraced(options, peer, s.config.Trace)
	}
}

// passthrough forwards TLS connections as they are. They may be idle for as long as upgraded ones.
func (s *Server) passthrough() *passthrough.Forwarder {
	return &passthrough.Forwarder{
		Hosts:     func() *passthrough.Hosts { return s.table.Load().Passthrough() },
		Connector: stream.Connector{Dial: s.config.DialContext, Timeout: s.config.Timeouts.Connect},
		Logger:    s.config.Logger, Handshake: s.config.Timeouts.TLSHandshake, Idle: s.config.Timeouts.Tunnel,
	}
}

// tlsConfig is what clients are offered: TLS 1.2 and 1.3 with Go's cipher suites unless the table restricts them, session
// tickets, and HTTP/2.
func (s *Server) tlsConfig() *tls.Config {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.table.Load().Certificates().Find(hello.ServerName), nil
		},
	}
	asking := config.Clone()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		certificates := s.table.Load().Certificates()
		asked := certificates.Restricted(hello.ServerName, asking)
		authorities := certificates.ClientAuthorities(hello.ServerName)
		if authorities == nil {
			return asked, nil
		}
		if asked == nil {
			asked = asking.Clone()
		}
		asked.ClientAuth, asked.ClientCAs = tls.RequestClientCert, authorities // policies verify it
		return asked, nil
	}
	return config
}
