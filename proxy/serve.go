package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
)

// Serve accepts plain-text connections on one listener and TLS connections on the other (either may be nil), until
// ctx is done. Then it closes both, lets running requests end for at most Timeouts.Drain, cuts off those that have
// not, and returns nil. It returns an error if accepting fails for good. A Server serves once.
func (s *Server) Serve(ctx context.Context, plain, secure net.Listener) error {
	defer s.access.Flush()
	defer s.transports.keep(nil)

	pools, stopPools := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.pools.Expire(pools) })
	background.Go(func() { s.connections.patrol(pools) })
	defer background.Wait()
	defer stopPools()

	group, ctx := errgroup.WithContext(ctx)
	for _, listener := range []net.Listener{plain, secure} {
		if listener == nil {
			continue
		}
		isSecure := listener == secure
		group.Go(func() error { return s.accept(ctx, listener, isSecure) })
	}
	group.Go(func() error {
		<-ctx.Done()
		s.draining.Store(true)
		for _, listener := range []net.Listener{plain, secure} {
			if listener != nil {
				listener.Close()
			}
		}
		return nil
	})
	err := group.Wait()
	s.connections.drain(s.config.Timeouts.Drain)
	return err
}

// accept hands each connection to a goroutine of its own.
func (s *Server) accept(ctx context.Context, listener net.Listener, secure bool) error {
	var pause time.Duration
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err == nil:
			pause = 0
			if !s.connections.reserve(ctx) {
				conn.Close()
				return nil
			}
			//nolint:contextcheck // requests outlive ctx: they drain
			s.connections.handle(func() { s.serveConn(conn, secure) })
			continue
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return fmt.Errorf("accepting connections on %s: %w", listener.Addr(), err)
		}
		// Out of file descriptors, most likely: some will be closed soon.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.config.Logger.Warn("accepting a connection failed; trying again", "error", err, "pause", pause)
		time.Sleep(pause)
	}
}

// serveConn serves one connection in the protocol that its client chose.
func (s *Server) serveConn(conn net.Conn, secure bool) {
	defer conn.Close()
	s.metrics.Connections.Add(1)
	defer s.metrics.Connections.Add(-1)
	client, err := s.identify(conn, secure)
	if err != nil {
		s.config.Logger.Debug("connection closed", "client", conn.RemoteAddr(), "error", err)
		return
	}
	if secure {
		encrypted := tls.Server(conn, s.tls)
		ctx, cancel := context.WithTimeout(context.Background(), s.config.Timeouts.TLSHandshake)
		err := encrypted.HandshakeContext(ctx)
		cancel()
		if err != nil {
			s.config.Logger.Debug("TLS handshake failed", "client", client.Sender, "error", err)
			refusePlainHTTP(err)
			return
		}
		conn = encrypted
		if encrypted.ConnectionState().NegotiatedProtocol == "h2" {
			s.serveHTTP2(conn, nil, client)
			return
		}
	}
	c := newClientConn(s, conn, client)
	isHTTP2 := func() bool {
		defer s.connections.track(c)()
		return c.serve()
	}()
	if isHTTP2 && !secure {
		s.serveHTTP2(conn, c.in.Peek(), client)
	}
}

// identify finds out whose connection it is, from its PROXY protocol header where the table wants one.
func (s *Server) identify(conn net.Conn, secure bool) (*forwarded.Connection, error) {
	current := s.current.Load()
	peer, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	scheme, port := "http", s.config.PlainPort
	if secure {
		scheme, port = "https", s.config.TLSPort
	}
	if !current.table.ProxyProtocol {
		return forwarded.NewConnection(peer.Addr(), scheme, port), nil
	}
	header, err := proxyprotocol.Read(conn, s.config.Timeouts.ProxyHeader)
	if err != nil {
		return nil, err
	}
	sender := current.forwarded.Sender(peer.Addr(), header)
	// As with ingress-nginx, a load balancer that ends TLS itself says so by the port that its client has connected to.
	if header.Destination.Port() == 443 && current.forwarded.Trusts(peer.Addr().Unmap()) {
		scheme = "https"
	}
	return forwarded.NewConnection(sender, scheme, port), nil
}

// tlsConfig is what clients are offered: TLS 1.2 and 1.3 with Go's cipher suites, session tickets, and HTTP/2.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.current.Load().certs.Find(hello.ServerName), nil
		},
	}
}
