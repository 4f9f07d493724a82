package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
	"github.com/ingress-testbed/testbed/proxy/tunnel"
)

// tcpPort accepts connections.
type tcpPort struct {
	server   *Server
	listener net.Listener
	target   atomic.Pointer[target]
	cancel   context.CancelFunc // ends waiting for a slot
}

func (s *Server) newTCP(ctx context.Context, listener net.Listener, served *target) *tcpPort {
	accepting, cancel := context.WithCancel(ctx)
	p := &tcpPort{server: s, listener: listener, cancel: cancel}
	p.target.Store(served)
	s.running.Go(func() { p.accept(accepting, ctx) })
	return p
}

func (p *tcpPort) current() *target { return p.target.Load() }

func (p *tcpPort) forward(served *target) { p.target.Store(served) }

func (p *tcpPort) stop(bool) {
	p.cancel()
	p.listener.Close()
}

// accept forwards each connection in its own goroutine, until accepting is done. Connections last as long as ctx.
func (p *tcpPort) accept(accepting, ctx context.Context) {
	s := p.server
	for {
		select {
		case s.slots <- struct{}{}:
		case <-accepting.Done():
			return
		}
		conn, err := p.listener.Accept()
		if err == nil {
			s.running.Go(func() {
				defer func() { <-s.slots }()
				p.serve(ctx, conn)
			})
			continue
		}
		<-s.slots
		if accepting.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		// Most likely the process is out of file descriptors, and connections that end will free some.
		s.options.Logger.Warn("accepting a connection failed; retrying", "address", p.listener.Addr(), "error", err)
		select {
		case <-accepting.Done():
			return
		case <-time.After(acceptPause):
		}
	}
}

// acceptPause is how long accepting pauses after it has failed.
const acceptPause = 100 * time.Millisecond

// serve forwards a connection, and closes it.
func (p *tcpPort) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s := p.server
	s.options.Connected.Add(1)
	defer s.options.Connected.Add(-1)
	to := p.target.Load()
	if err := s.carry(ctx, conn, to); err != nil {
		s.options.Logger.Debug("connection closed", "peer", conn.RemoteAddr(), "port", to.Port, "error", err)
	}
}

func (s *Server) carry(ctx context.Context, conn net.Conn, served *target) error {
	source, destination := addressOf(conn.RemoteAddr()), addressOf(conn.LocalAddr())
	if served.AcceptProxy {
		header, err := proxyprotocol.Read(conn, s.options.ProxyHeader)
		if err != nil {
			return err
		}
		if header.Source.IsValid() && header.Destination.IsValid() {
			source, destination = header.Source, header.Destination
		}
	}
	endpoint, address, err := s.connect(ctx, served)
	if err != nil {
		return fmt.Errorf("connecting to Service %s: %w", served.Service, err)
	}
	defer endpoint.Close()
	if served.SendProxy {
		if err := s.sendProxy(endpoint, source, destination); err != nil {
			return fmt.Errorf("sending the PROXY protocol header to %s: %w", address.Address, err)
		}
	}
	t := tunnel.Tunnel{Client: conn, Endpoint: endpoint, Idle: s.idle(served)}
	t.Run(nil, nil)
	return nil
}

// sendProxy sends a header of version 1, as nginx does.
func (s *Server) sendProxy(endpoint net.Conn, source, destination netip.AddrPort) error {
	header := proxyproto.HeaderProxyFromAddrs(1, net.TCPAddrFromAddrPort(source), net.TCPAddrFromAddrPort(destination))
	if err := endpoint.SetWriteDeadline(time.Now().Add(s.options.Connect)); err != nil {
		return err
	}
	_, err := header.WriteTo(endpoint)
	return err
}

// addressOf is an address of a connection; it is not valid for those of other transports.
func addressOf(address net.Addr) netip.AddrPort {
	parsed, _ := netip.ParseAddrPort(address.String())
	return netip.AddrPortFrom(parsed.Addr().Unmap().WithZone(""), parsed.Port())
}
