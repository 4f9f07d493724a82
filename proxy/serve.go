package proxy

import (
	"context"
	"net"
	"sync"
)

// Serve accepts plain-text connections on one listener and TLS connections on the other (either may be nil), and opens
// the ports of streams, until ctx is done. Then it closes them all, lets running requests and streams end for at most
// Timeouts.Drain, gives up those that have not, and returns nil. It returns an error if accepting fails for good. A Server
// serves once.
func (s *Server) Serve(ctx context.Context, plain, secure net.Listener) error {
	defer s.access.Flush()
	pools, stopPools := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.pools.Expire(pools) })
	streaming, stopStreams := context.WithCancel(ctx)
	background.Go(s.streams.Start(streaming)) // its ports are open before those for HTTP are served
	defer background.Wait()
	defer stopStreams()
	defer stopPools()
	return s.downstream.Serve(ctx, plain, secure)
}

// Leave makes each reply over HTTP/1.1 the last one of its connection (RFC 9112 section 9.6) and sends GOAWAY on connections
// of HTTP/2 (RFC 9113 section 6.8), on new ones with the first request, while connections are still accepted. Call it before the end of Serve's context, as soon as clients should connect to other servers.
func (s *Server) Leave() { s.downstream.Leave() }
