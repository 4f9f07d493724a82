package proxy

import (
	"context"
	"net"
	"sync"
)

// Serve accepts plain-text connections on one listener and TLS connections on the other (either may be nil), until
// ctx is done. Then it closes both, lets running requests end for at most Timeouts.Drain, gives up those that have
// not, and returns nil. It returns an error if accepting fails for good. A Server serves once.
func (s *Server) Serve(ctx context.Context, plain, secure net.Listener) error {
	defer s.access.Flush()
	pools, stopPools := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.pools.Expire(pools) })
	defer background.Wait()
	defer stopPools()
	return s.downstream.Serve(ctx, plain, secure)
}
