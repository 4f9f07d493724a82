package stream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// udpPort has the sessions of a port. It holds its lock while it sends a datagram to an endpoint, which does not wait.
type udpPort struct {
	server *Server
	conn   net.PacketConn
	ctx    context.Context //nolint:containedctx // the parent of sessions, which a datagram begins

	mu       sync.Mutex
	target   *target
	sessions map[netip.AddrPort]*session
	draining bool
}

// session is what one client sends to a port, and the answers to it.
type session struct {
	port     *udpPort
	client   netip.AddrPort
	endpoint route.Endpoint
	conn     net.Conn
	idle     time.Duration
	expects  int64 // answers to each datagram; 0 is not known

	last               atomic.Int64 // when a datagram passed last, in nanoseconds since 1970
	requests, answered atomic.Int64
}

func (s *Server) newUDP(ctx context.Context, conn net.PacketConn, served *target) *udpPort {
	p := &udpPort{server: s, conn: conn, ctx: ctx, target: served, sessions: map[netip.AddrPort]*session{}}
	s.running.Go(p.read)
	return p
}

func (p *udpPort) current() *target {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// forward ends the sessions whose endpoints are gone.
func (p *udpPort) forward(served *target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = served
	for _, session := range p.sessions {
		if !slices.ContainsFunc(served.Endpoints, func(e route.Endpoint) bool { return e.Address == session.endpoint.Address }) {
			session.end()
		}
	}
}

// stop closes the port: at once or, if it drains, when all answers have come that the sessions expect.
func (p *udpPort) stop(drains bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
	for _, session := range p.sessions {
		if !drains || session.expects == 0 {
			session.end()
		}
	}
	p.closeIfDrained()
	if drains { // or when nothing waits any more
		context.AfterFunc(p.ctx, func() { p.stop(false) })
	}
}

// closeIfDrained closes the port if it drains and has no sessions; p.mu must be held.
func (p *udpPort) closeIfDrained() {
	if p.draining && len(p.sessions) == 0 {
		_ = p.conn.Close()
	}
}

// read forwards the datagrams of clients until the port is closed.
func (p *udpPort) read() {
	buffer := http1.GetLarge() // no datagram is larger
	defer http1.PutLarge(buffer)
	for {
		n, address, err := p.conn.ReadFrom(buffer[:])
		switch {
		case err == nil:
			client, _ := netip.ParseAddrPort(address.String()) // that of a datagram is valid
			p.send(client, buffer[:n])
		case errors.Is(err, net.ErrClosed):
			return
		default: // an ICMP message about a datagram that was sent, for example
			p.server.options.Logger.Debug("reading a datagram failed", "address", p.conn.LocalAddr(), "error", err)
			select {
			case <-p.ctx.Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// send sends a datagram to the endpoint of its session, which it begins if there is none.
func (p *udpPort) send(client netip.AddrPort, datagram []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	session := p.sessions[client]
	if session == nil {
		if session = p.begin(client); session == nil {
			return // as the network loses datagrams
		}
	}
	session.last.Store(time.Now().UnixNano())
	session.requests.Add(1)
	if _, err := session.conn.Write(datagram); err != nil {
		session.fail(err)
	}
}

// begin begins a session; it is nil if there can't be one. p.mu must be held.
func (p *udpPort) begin(client netip.AddrPort) *session {
	if p.draining {
		return nil
	}
	s, to := p.server, p.target
	conn, endpoint, err := s.connect(p.ctx, to)
	if err != nil {
		s.options.Logger.Debug("a datagram was dropped", "peer", client, "port", to.Port, "error", err)
		return nil
	}
	if len(p.sessions) >= s.options.Sessions {
		p.endOldest()
	}
	begun := &session{
		port: p, client: client, endpoint: endpoint, conn: conn, idle: s.idle(to), expects: int64(to.Limits.Responses),
	}
	begun.last.Store(time.Now().UnixNano())
	p.sessions[client] = begun
	s.running.Go(begun.answer)
	return begun
}

func (p *udpPort) endOldest() {
	var oldest *session
	for _, session := range p.sessions {
		if oldest == nil || session.last.Load() < oldest.last.Load() {
			oldest = session
		}
	}
	oldest.end()
}

// end ends a session; p.mu must be held.
func (s *session) end() {
	s.conn.Close()
	if s.port.sessions[s.client] == s {
		delete(s.port.sessions, s.client)
	}
	s.port.closeIfDrained()
}

func (s *session) fail(err error) {
	s.port.server.options.Logger.Debug("a session has ended", "peer", s.client, "endpoint", s.endpoint.Address, "error", err)
	s.end()
}

// answer sends the client what its endpoint answers, until the session is idle or has all answers.
func (s *session) answer() {
	buffer := http1.GetLarge()
	defer http1.PutLarge(buffer)
	to := net.UDPAddrFromAddrPort(s.client)
	for {
		quiet := time.Duration(time.Now().UnixNano() - s.last.Load())
		if quiet >= s.idle {
			break
		}
		if s.conn.SetReadDeadline(time.Now().Add(s.idle-quiet)) != nil {
			break
		}
		n, err := s.conn.Read(buffer[:])
		if isTimeout(err) {
			continue // the client may have sent something meanwhile
		}
		if err != nil {
			break
		}
		s.last.Store(time.Now().UnixNano())
		if _, err := s.port.conn.WriteTo(buffer[:n], to); err != nil {
			break
		}
		if s.answered.Add(1); s.complete() {
			return
		}
	}
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	s.end()
}

// complete ends the session if it has all answers, and reports whether it had.
func (s *session) complete() bool {
	s.port.mu.Lock()
	defer s.port.mu.Unlock()
	if s.expects == 0 || s.answered.Load() < s.expects*s.requests.Load() {
		return false
	}
	s.end()
	return true
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
