package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// connectLimit is the context key of a route's time-out for connecting.
type connectLimit struct{}

// continueLimit is how long an endpoint may think about "Expect: 100-continue" before the client is told to go on.
const continueLimit = time.Second

// transports reach the endpoints that speak HTTP/2. There is one for each way to do so over TLS, and one for plain
// text. They outlive the tables that need them.
type transports struct {
	config *Config

	mu    sync.Mutex
	known map[string]*http.Transport // by security.identity
}

func newTransports(config *Config) *transports {
	return &transports{config: config, known: make(map[string]*http.Transport)}
}

func (t *transports) of(s security) *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	transport := t.known[s.identity]
	if transport == nil {
		transport = t.make(s)
		t.known[s.identity] = transport
	}
	return transport
}

// keep forgets all others. Their requests end as they would have.
func (t *transports) keep(identities map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for identity, transport := range t.known {
		if !identities[identity] {
			transport.CloseIdleConnections()
			delete(t.known, identity)
		}
	}
}

func (t *transports) make(s security) *http.Transport {
	transport := &http.Transport{
		Protocols:              new(http.Protocols),
		DisableCompression:     true, // it would ask for gzip in the client's name
		IdleConnTimeout:        t.config.Timeouts.UpstreamIdle,
		ExpectContinueTimeout:  continueLimit,
		MaxResponseHeaderBytes: int64(t.config.Limits.HeaderBytes),
	}
	if s.config == nil {
		transport.Protocols.SetUnencryptedHTTP2(true)
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			return t.dial(ctx, network, address, nil)
		}
		return transport
	}
	transport.Protocols.SetHTTP2(true)
	shared := tls.NewLRUClientSessionCache(0)
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		config := s.config.Clone()
		config.ClientSessionCache = &sessionsOf{address, shared}
		return t.dial(ctx, network, address, config)
	}
	return transport
}

var errNoHTTP2 = errors.New("the endpoint does not agree on HTTP/2 (ALPN)")

// dial connects, and over TLS shakes hands within the same limit. Its errors are failures before the request was sent.
func (t *transports) dial(ctx context.Context, network, address string, secure *tls.Config) (net.Conn, error) {
	limit := t.config.Timeouts.Connect
	if own, has := ctx.Value(connectLimit{}).(time.Duration); has {
		limit = own
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	connection, err := t.config.DialContext(ctx, network, address)
	if err != nil {
		return nil, &failure{err: err}
	}
	if secure == nil {
		return connection, nil
	}
	encrypted, err := upstream.Handshake(ctx, connection, secure)
	if err != nil {
		return nil, &failure{err: err}
	}
	if encrypted.ConnectionState().NegotiatedProtocol != "h2" {
		_ = encrypted.Close() // it was of no use
		return nil, &failure{err: errNoHTTP2}
	}
	return encrypted, nil
}

// sessionsOf are the TLS sessions of one endpoint: others may have the same name in their certificates.
type sessionsOf struct {
	address string
	all     tls.ClientSessionCache
}

// Get implements tls.ClientSessionCache.
func (s *sessionsOf) Get(key string) (*tls.ClientSessionState, bool) {
	return s.all.Get(s.address + " " + key)
}

// Put implements tls.ClientSessionCache.
func (s *sessionsOf) Put(key string, state *tls.ClientSessionState) {
	s.all.Put(s.address+" "+key, state)
}
