package proxy

import (
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// Server is a reverse proxy. Make one with New, give it tables with Apply, and listeners with Serve; the first two
// may go on while it serves. All methods may be called concurrently.
type Server struct {
	config  Config
	access  *accesslog.Writer // nil without an access log
	metrics *metrics.Collector

	current atomic.Pointer[snapshot]

	applying sync.Mutex // guards compiler
	compiler compiler

	pools       *upstream.Registry
	transports  *transports
	tls         *tls.Config
	connections *connections
	draining    atomic.Bool
}

// New makes a server with an empty table: until the first Apply it answers every request with 404. It fails if the
// metrics can't be registered or there is no randomness for a key.
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	selfMade, err := certs.SelfMade()
	if err != nil {
		return nil, err
	}
	collector := metrics.NewCollector()
	if config.Registerer != nil {
		if err := config.Registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering the proxy's metrics: %w", err)
		}
	}
	s := &Server{
		config:      config,
		metrics:     collector,
		transports:  newTransports(&config),
		connections: newConnections(config.Limits.Connections),
		pools: upstream.NewRegistry(upstream.Options{
			Dial: config.DialContext, MaxIdle: config.Limits.IdlePerEndpoint, MaxAge: config.Timeouts.UpstreamIdle,
		}),
	}
	s.tls = s.tlsConfig()
	s.compiler = compiler{metrics: collector, selfMade: selfMade, pools: s.pools, transports: s.transports}
	if config.AccessLog != nil {
		s.access = accesslog.NewWriter(config.AccessLog, config.Logger)
	}
	s.Apply(&route.Table{})
	return s, nil
}

// Apply compiles a table and swaps it in: requests that come after Apply has returned are served by it, those that
// are running end by the table that they began with. The table must not be changed afterwards.
//
// What can't be compiled (a certificate that doesn't match its key, a header pattern that is no regular expression,
// a path that can't be normalised, a host or path that is there twice) is returned as problems and left out; the rest
// is served.
func (s *Server) Apply(table *route.Table) (problems []error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	next, problems := s.compiler.compile(table)
	s.current.Store(next)
	s.metrics.Generation.Add(1)
	return problems
}

// Table returns the table that is served now. It must not be changed.
func (s *Server) Table() *route.Table {
	return s.current.Load().table
}
