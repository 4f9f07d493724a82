package explain

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/internal/memorynet"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/passthrough"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// timeout bounds an exchange. Nothing in it waits, unless a policy does.
const timeout = 10 * time.Second

// maxReply is how much of a reply's body is read, in bytes.
const maxReply = 1 << 20

// run is one request, its own proxy and its own backends.
type run struct {
	state   *state
	options Options

	mu       sync.Mutex
	received []received
	arrival  chan struct{} // closed when another request was received
	traces   []trace.Exchange

	// passed is the host of a TLS connection that the proxy forwards as it is; nil if it serves the request.
	passed *route.Passthrough
	reply  *http.Response // its body is closed
}

// received is a request that an endpoint got.
type received struct {
	address netip.AddrPort
	request *http.Request
	body    int64
}

// send serves a request.
func (r *run) send(ctx context.Context, request Request) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	group, ctx := errgroup.WithContext(ctx)
	defer func() {
		cancel()
		if ended := group.Wait(); err == nil {
			err = ended
		}
	}()
	network := memorynet.New()
	traced := make(chan struct{}, 1)
	server, err := proxy.New(proxy.Config{
		DialContext: r.dialer(network), Timeouts: proxy.Timeouts{Drain: time.Millisecond},
		Trace: func(exchange trace.Exchange) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.traces = append(r.traces, exchange)
			select {
			case traced <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		return fmt.Errorf("starting the proxy: %w", err)
	}
	table := narrowed(r.state.Table, request)
	server.Apply(table)
	if request.URL.Scheme == "https" {
		if to, found := passthrough.Compile(table, nil).Find(request.URL.Hostname()); found {
			r.passed = &to
		}
	}
	plain, secure := network.Listen(), network.Listen()
	backends, err := r.newBackends()
	if err != nil {
		return err
	}
	rest := network.ListenRest()
	group.Go(func() error { return server.Serve(ctx, plain, secure) })
	group.Go(func() error {
		if err := backends.Serve(secured{rest, r.state, r.passed != nil, backends.TLSConfig}); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving the backends: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return backends.Close()
	})
	entry := plain.Addr()
	if request.URL.Scheme == "https" {
		entry = secure.Addr()
	}
	if err := r.exchange(ctx, request, func() (net.Conn, error) {
		client := request.Client
		if !client.IsValid() {
			client = DefaultClient()
		}
		return network.DialFrom(netip.AddrPortFrom(client, 40000), "tcp", entry.String())
	}); err != nil {
		return err
	}
	if r.passed != nil {
		return nil
	}
	select {
	case <-traced:
		r.awaitCopies(ctx)
		return nil
	case <-ctx.Done():
		return errNoTrace
	}
}

// dialer connects the proxy to endpoints.
func (r *run) dialer(network *memorynet.Network) func(ctx context.Context, kind, address string) (net.Conn, error) {
	return func(ctx context.Context, kind, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err == nil && r.options.Refused != nil && r.options.Refused(to) {
			return nil, &net.OpError{Op: "dial", Net: kind, Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
		}
		return network.DialContext(ctx, kind, address)
	}
}

// newBackends makes the server that stands for all endpoints.
func (r *run) newBackends() (*http.Server, error) {
	config := &tls.Config{}
	if r.options.BackendTLS != nil {
		config = r.options.BackendTLS.Clone()
	} else {
		certificate, err := certs.SelfSigned("backend")
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{*certificate}
	}
	config.NextProtos = []string{"h2", "http/1.1"}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: http.HandlerFunc(r.serveBackend), ReadHeaderTimeout: timeout, Protocols: protocols, TLSConfig: config,
	}, nil
}

func (r *run) serveBackend(w http.ResponseWriter, request *http.Request) {
	address := localAddress(request.Context())
	got := received{address: address, request: request.Clone(context.Background())}
	if r.options.Backend == nil {
		got.body, _ = io.Copy(io.Discard, io.LimitReader(request.Body, maxBody)) // an incomplete body is the proxy's answer to explain
	}
	r.mu.Lock()
	r.received = append(r.received, got)
	close(r.arrival)
	r.arrival = make(chan struct{})
	r.mu.Unlock()
	switch {
	case r.options.Backend != nil:
		r.options.Backend.ServeHTTP(w, request)
	case r.state.auth[address]:
		w.WriteHeader(max(r.options.AuthStatus, http.StatusOK))
	default:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "stand-in\n") // the proxy has gone otherwise
	}
}

func localAddress(ctx context.Context) netip.AddrPort {
	address, ok := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return address.AddrPort()
}

// secured speaks TLS on the connections to endpoints of secure protocols.
type secured struct {
	net.Listener
	state *state
	// passed is whether the client's own TLS connection is forwarded.
	passed bool
	config *tls.Config
}

// Accept implements net.Listener.
func (s secured) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	address, ok := conn.LocalAddr().(*net.TCPAddr)
	if ok && (s.passed || s.state.protocols[address.AddrPort()].Secure()) {
		return tls.Server(conn, s.config), nil
	}
	return conn, nil
}
