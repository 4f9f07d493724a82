package stream

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Ports opens ports. A *net.ListenConfig does so.
type Ports interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// Options are what a Server needs. A zero is replaced by the default, named with each.
type Options struct {
	Logger *slog.Logger // nil logs nothing
	Ports  Ports        // a net.ListenConfig
	// Dial connects to endpoints: that of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Connected counts the connections that are open; nil counts none.
	Connected *atomic.Int64

	Connections int // that may be open at once, on all ports: 16384. Further ones wait in the ports' queues.
	// Sessions of UDP that may be open at once, on each port: 1024. The one that is idle for longest ends for another. Each
	// takes 64 KiB.
	Sessions int

	ProxyHeader time.Duration // for a PROXY protocol header: 10 s
	Connect     time.Duration // for connecting to an endpoint: 5 s
	Idle        time.Duration // where a stream says nothing: 10 min
	Drain       time.Duration // for open connections and sessions, when the server stops: 30 s
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Ports == nil {
		o.Ports = &net.ListenConfig{}
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Connected == nil {
		o.Connected = new(atomic.Int64)
	}
	o.Connections = cmp.Or(o.Connections, 16384)
	o.Sessions = cmp.Or(o.Sessions, 1024)
	o.ProxyHeader = cmp.Or(o.ProxyHeader, 10*time.Second)
	o.Connect = cmp.Or(o.Connect, 5*time.Second)
	o.Idle = cmp.Or(o.Idle, 10*time.Minute)
	o.Drain = cmp.Or(o.Drain, 30*time.Second)
	return o
}

// Server forwards streams. Make one with NewServer, give it streams with Apply, and let it open their ports with Start.
type Server struct {
	options Options
	slots   chan struct{} // one element for each connection that there may be
	running sync.WaitGroup

	mu      sync.Mutex
	streams []route.Stream
	ports   map[portKey]port
	ctx     context.Context //nolint:containedctx // the parent of all connections'; nil while no port is open
}

// portKey is what there is one stream for.
type portKey struct {
	transport route.Transport
	number    uint16
}

// port is an open port.
type port interface {
	// current is what the port forwards to.
	current() *target
	// forward forwards what comes from now on to the target.
	forward(to *target)
	// stop accepts no new connections. Open ones continue if the server drains.
	stop(drains bool)
}

// target is a stream with the turns of its endpoints.
type target struct {
	route.Stream
	turns *balance.RoundRobin
}

// NewServer makes a server without streams.
func NewServer(options Options) *Server {
	options = options.withDefaults()
	return &Server{
		options: options, slots: make(chan struct{}, options.Connections),
		ports: map[portKey]port{},
	}
}

// Apply replaces the streams. Ports that are no longer among them are closed, new ones opened if the server serves. What
// can't be opened is returned, and tried again with the next call.
func (s *Server) Apply(streams []route.Stream) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = streams
	if s.ctx == nil {
		return nil
	}
	return s.update()
}

// Start opens the ports, and forwards what comes until ctx is done. Call wait then or before: it closes the ports, lets what is open
// end for at most Options.Drain, and returns.
func (s *Server) Start(ctx context.Context) (wait func()) {
	running, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	s.open(running)
	return func() {
		defer giveUp()
		<-ctx.Done()
		s.end(giveUp)
	}
}

// end closes the ports and waits for what is open.
func (s *Server) end(giveUp context.CancelFunc) {
	s.stop()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(s.options.Drain)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		giveUp()
		<-ended
	}
}

func (s *Server) open(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = ctx
	for _, err := range s.update() {
		s.options.Logger.Error("a port could not be opened; it is tried again with the next change", "error", err)
	}
}

func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = nil
	for _, port := range s.ports {
		port.stop(true)
	}
	clear(s.ports)
}

// update makes the open ports those of the streams; s.mu must be held.
func (s *Server) update() (problems []error) {
	wanted := map[portKey]bool{}
	for _, stream := range s.streams {
		key := portKey{stream.Transport, stream.Port}
		if wanted[key] {
			continue // Table.Validate has reported it
		}
		wanted[key] = true
		open := s.ports[key]
		if open != nil && open.current().Equal(stream) {
			continue
		}
		to := &target{stream, balance.NewRoundRobin(stream.Service.String(), stream.Endpoints)}
		if open != nil {
			open.forward(to)
			continue
		}
		opened, err := s.openPort(key, to)
		if err != nil {
			problems = append(problems, fmt.Errorf("opening %s port %d for Service %s: %w", key.transport, key.number, stream.Service, err))
			continue
		}
		s.ports[key] = opened
	}
	for key, port := range s.ports {
		if !wanted[key] {
			port.stop(false)
			delete(s.ports, key)
		}
	}
	return problems
}

func (s *Server) openPort(key portKey, served *target) (port, error) {
	address := net.JoinHostPort("", strconv.Itoa(int(key.number)))
	if key.transport == route.UDP {
		conn, err := s.options.Ports.ListenPacket(s.ctx, "udp", address)
		if err != nil {
			return nil, err
		}
		return s.newUDP(s.ctx, conn, served), nil
	}
	listener, err := s.options.Ports.Listen(s.ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return s.newTCP(s.ctx, listener, served), nil
}

// connect connects to an endpoint.
func (s *Server) connect(ctx context.Context, served *target) (net.Conn, route.Endpoint, error) {
	return Connector{s.options.Dial, s.options.Connect}.Connect(ctx, served.Transport, served.turns, served.Limits)
}

// idle is how long nothing may pass.
func (s *Server) idle(served *target) time.Duration {
	return cmp.Or(served.Limits.Idle, s.options.Idle)
}
