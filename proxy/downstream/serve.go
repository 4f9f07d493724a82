package downstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
)

// Serve accepts connections in plain text on one listener and over TLS on the other (either may be nil), until ctx is
// done. Then it accepts those that wait, closes both listeners, drains for at most Timeouts.Drain, closes what is left, and
// returns nil. It returns an error if accepting fails permanently.
func (s *Server) Serve(ctx context.Context, plain, secure net.Listener) error {
	defer s.close()
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
				endAccepting(listener)
			}
		}
		return nil
	})
	err := group.Wait()
	s.connections.drain(s.options.Timeouts.Drain, s.close)
	return err
}

// Leave makes each reply over HTTP/1.1 the last one of its connection and sends GOAWAY on those of HTTP/2, and connections
// are still accepted: clients move to other servers before this one stops, and are not surprised by the end of an idle
// connection as they send a request.
func (s *Server) Leave() {
	s.leaving.Store(true)
	s.connections.leaveEach()
}

// waitingAccepts is how long connections that wait in the kernel are accepted before their listener is closed, which would
// reset them.
const waitingAccepts = 20 * time.Millisecond

// endAccepting makes Accept fail soon: after the connections that wait, if the listener has deadlines.
func endAccepting(listener net.Listener) {
	limited, has := listener.(interface{ SetDeadline(t time.Time) error })
	if !has || limited.SetDeadline(time.Now().Add(waitingAccepts)) != nil {
		listener.Close()
	}
}

// accept serves each connection in its own goroutine. In the end it closes the listener.
func (s *Server) accept(ctx context.Context, listener net.Listener, secure bool) error {
	defer listener.Close()
	var pause time.Duration
	for {
		conn, err := listener.Accept()
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err == nil:
			pause = 0
			if !s.connections.reserve(ctx) {
				conn.Close()
				return nil
			}
			//nolint:contextcheck // requests outlive ctx: they are drained
			s.connections.handle(conn, func() { s.serveConn(conn, secure) })
			continue
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return fmt.Errorf("accepting connections on %s: %w", listener.Addr(), err)
		}
		// Most likely the process is out of file descriptors, and connections that end will free some.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.options.Logger.Warn("accepting a connection failed; retrying", "error", err, "pause", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// serveConn serves one connection in the protocol that its client chose.
func (s *Server) serveConn(conn net.Conn, secure bool) {
	s.options.Connected.Add(1)
	defer s.options.Connected.Add(-1)
	address, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	peer := Peer{Address: address.Addr(), Secure: secure}
	if s.options.ProxyProtocol() {
		var err error
		if peer.Stated, err = proxyprotocol.Read(conn, s.options.Timeouts.ProxyHeader); err != nil {
			s.options.Logger.Debug("connection closed", "peer", address, "error", err)
			return
		}
	}
	if secure {
		var done bool
		if conn, done = s.options.Passthrough(s.closed, conn); done {
			return
		}
		encrypted, err := s.handshake(conn)
		if err != nil {
			s.options.Logger.Debug("the TLS handshake failed", "peer", address, "error", err)
			return
		}
		defer func() { _ = encrypted.Close() }() // sends close_notify: the reply is complete (RFC 9112 section 9.8)
		conn = encrypted
		state := encrypted.ConnectionState()
		peer.TLS = &state
		if state.NegotiatedProtocol == "h2" {
			s.serveHTTP2(conn, nil, peer)
			return
		}
	}
	if read, isHTTP2 := s.serveHTTP1(conn, peer); isHTTP2 && !secure {
		s.serveHTTP2(conn, read, peer)
	}
}

func (s *Server) handshake(conn net.Conn) (*tls.Conn, error) {
	encrypted := tls.Server(conn, s.options.TLS)
	ctx, cancel := context.WithTimeout(s.closed, s.options.Timeouts.TLSHandshake)
	defer cancel()
	err := encrypted.HandshakeContext(ctx)
	if err != nil {
		refusePlainHTTP(err)
	}
	return encrypted, err
}
