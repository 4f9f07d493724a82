package inprocess

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

// network stands in for that of a cluster: each connection to an address of a Pod or Service leads to one server, which
// looks up where the connection was meant to go.
type network struct {
	// targets are the port of a Pod and the Pod, by address.
	targets map[string]target
	server  string // its address
	// broken is Target.Break.
	broken func() error
	mu     sync.Mutex
	// connections by the port of the client, of which there are 65,535.
	connections map[uint16]target
}

// target is a port of a Pod.
type target struct {
	port int
	pod  string
}

// startNetwork starts the server of all Pods.
func startNetwork(ctx context.Context, group *errgroup.Group, made *standin.StandIns, store *store) (*network, error) {
	n := &network{targets: map[string]target{}, connections: map[uint16]target{}}
	for name, service := range store.services {
		for _, port := range service.Spec.Ports {
			number := made.Port(name, port.Port)
			if service.Spec.ClusterIP != "" && number != 0 {
				n.targets[fmt.Sprintf("%s:%d", service.Spec.ClusterIP, port.Port)] = target{number, "pod-1"}
			}
		}
	}
	for number := range made.Backends {
		for i, address := range podAddresses() {
			n.targets[fmt.Sprintf("%s:%d", address, number)] = target{number, fmt.Sprintf("pod-%d", i+1)}
		}
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the stand-ins: %w", err)
	}
	n.server = listener.Addr().String()
	group.Go(func() error {
		return backends.ServeEither(ctx, []net.Listener{listener}, n.handler(), backendTLS(made), backends.Shutdown{Grace: time.Second})
	})
	return n, nil
}

// dial connects to what stands in for an address of the cluster; other addresses refuse connections.
func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := n.targets[address]
	if !ok {
		// Nothing listens at port 9 of the loopback interface, so that connections are really refused.
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:9")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, n.server)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.connections[netip.MustParseAddrPort(conn.LocalAddr().String()).Port()] = to
	if n.broken != nil {
		return breaking{conn, n.broken}, nil
	}
	return conn, nil
}

// breaking is a connection that fails when something is sent, if broken says so.
type breaking struct {
	net.Conn
	broken func() error
}

// Write implements net.Conn.
func (b breaking) Write(p []byte) (int, error) {
	if err := b.broken(); err != nil {
		b.Close()
		return 0, err
	}
	return b.Conn.Write(p)
}

// alive sends a request to each Pod, in the way that the proxy does.
func (n *network) alive(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DialContext: n.dial, DisableKeepAlives: true}}
	for i, address := range podAddresses() {
		url := fmt.Sprintf("http://%s:%d/", address, backends.AuthPort)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return fmt.Errorf("making a request to a stand-in: %w", err)
		}
		response, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("sending a request to the stand-ins' Pod %d: %w", i+1, err)
		}
		response.Body.Close()
	}
	return nil
}

// handler is the stand-in of all Pods. A request can only arrive after dial has returned its connection.
func (n *network) handler() http.Handler {
	pods := map[string]http.Handler{}
	for i := range podAddresses() {
		pod := fmt.Sprintf("pod-%d", i+1)
		pods[pod] = backends.StandIn(pod, func(r *http.Request) int { return n.target(r).port })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, ok := pods[n.target(r).pod]; ok {
			handler.ServeHTTP(w, r)
			return
		}
		http.Error(w, "unknown connection", http.StatusInternalServerError)
	})
}

func (n *network) target(r *http.Request) target {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return target{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.connections[address.Port()]
}
