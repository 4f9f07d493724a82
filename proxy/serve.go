package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// Serve accepts plain-text connections on one listener and TLS connections on the other (either may be nil), until
// ctx is done. Then it closes both, lets running requests end for at most Timeouts.Drain, cuts off those that have
// not, and returns nil. It returns an error if accepting fails for good.
func (s *Server) Serve(ctx context.Context, plain, secure net.Listener) error {
	defer s.access.Flush()
	defer s.transports.close()
	group, ctx := errgroup.WithContext(ctx)
	serve := func(listener net.Listener, isTLS bool) {
		if listener == nil {
			return
		}
		server := s.httpServer(isTLS)
		group.Go(func() error {
			var err error
			if isTLS {
				err = server.ServeTLS(listener, "", "")
			} else {
				err = server.Serve(listener)
			}
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
		})
		group.Go(func() error {
			<-ctx.Done()
			drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Timeouts.Drain)
			defer cancel()
			if err := server.Shutdown(drain); err != nil {
				server.Close()
			}
			return nil
		})
	}
	serve(plain, false)
	serve(secure, true)
	return group.Wait()
}

// httpServer makes the server of one listener. Each listener has its own: one http.Server for both Serve and
// ServeTLS can negotiate HTTP/2 and then drop the connection.
func (s *Server) httpServer(isTLS bool) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(isTLS)
	protocols.SetUnencryptedHTTP2(!isTLS)
	return &http.Server{
		Handler:           &exchange{server: s, tls: isTLS},
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: s.config.Limits.Streams},
		ReadHeaderTimeout: s.config.Timeouts.Header,
		IdleTimeout:       s.config.Timeouts.Idle,
		MaxHeaderBytes:    s.config.Limits.HeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				return s.current.Load().certs.Find(hello.ServerName), nil
			},
		},
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.metrics.Connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.metrics.Connections.Add(-1)
			}
		},
	}
}
