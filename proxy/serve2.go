package proxy

import (
	"net"
	"net/http"

	"golang.org/x/net/http2"
)

// serveHTTP2 serves a connection with the standard HTTP/2 server.
func (s *Server) serveHTTP2(conn net.Conn, client *client) {
	base := &http.Server{}
	h2 := &http2.Server{MaxConcurrentStreams: uint32(s.config.Limits.Streams), IdleTimeout: s.config.Timeouts.Idle}
	if http2.ConfigureServer(base, h2) != nil {
		return
	}
	defer s.connections.track(&standardHTTP2{conn: conn, base: base})()
	h2.ServeConn(conn, &http2.ServeConnOpts{BaseConfig: base, Handler: &handler{server: s, tls: client.secure}})
}

type standardHTTP2 struct {
	conn net.Conn
	base *http.Server
}

func (s *standardHTTP2) drain()       { s.base.RegisterOnShutdown(func() {}); s.conn.Close() }
func (s *standardHTTP2) Close() error { return s.conn.Close() }
