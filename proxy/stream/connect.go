package stream

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Connector connects to endpoints.
type Connector struct {
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout of one attempt.
	Timeout time.Duration
}

// errNoEndpoints is the error of an empty set of endpoints.
var errNoEndpoints = errors.New("there are no endpoints")

// defaultAttempts is how many endpoints are tried where the limits say nothing: as many as nginx tries.
const defaultAttempts = 3

// Connect connects to the endpoint whose turn it is, and to the next ones if that fails, each once.
func (c Connector) Connect(ctx context.Context, transport route.Transport, turns *balance.RoundRobin, limits route.StreamLimits) (
	net.Conn, route.Endpoint, error) {
	if turns.Len() == 0 {
		return nil, route.Endpoint{}, errNoEndpoints
	}
	started := time.Now()
	attempts := min(cmp.Or(limits.Attempts, defaultAttempts), turns.Len())
	for {
		endpoint := turns.Endpoint(turns.Next())
		conn, err := c.dial(ctx, transport, endpoint)
		attempts--
		switch {
		case err == nil:
			return conn, endpoint, nil
		case attempts <= 0, ctx.Err() != nil, limits.Trying > 0 && time.Since(started) >= limits.Trying:
			return nil, route.Endpoint{}, err
		}
	}
}

func (c Connector) dial(ctx context.Context, transport route.Transport, endpoint route.Endpoint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return c.Dial(ctx, transport.String(), endpoint.Address.String())
}
