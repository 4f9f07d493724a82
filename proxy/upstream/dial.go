package upstream

import (
	"context"
	"fmt"
	"time"
)

// leavingTime is how long a connection may still take after its endpoint has left the table. One that shuts down in order still
// accepts connections for a while, and much faster; one that is gone never answers.
const leavingTime = 500 * time.Millisecond

// dial makes a new connection within Timeouts.Connect, TLS handshake included. It ends when the client goes away, and with ErrLeft
// soon after the endpoint has left the table.
func (p *Pool) dial(call *Call) (conn, error) {
	ctx, cancel := context.WithTimeout(call.Client.Context(), call.Timeouts.Connect)
	defer cancel()
	done := make(chan dialed, 1)
	go func() {
		c, err := p.connect(ctx)
		done <- dialed{c, err}
	}()
	watch := time.NewTicker(watchInterval)
	defer watch.Stop()
	left, giveUp := p.left, (<-chan time.Time)(nil)
	for {
		select {
		case d := <-done:
			switch {
			case d.err == nil:
				return d.conn, nil
			case call.Client.Context().Err() != nil:
				return nil, fmt.Errorf("%w: %w", ErrClientGone, d.err)
			}
			return nil, &Error{Err: d.err}
		case <-left:
			left, giveUp = nil, time.After(leavingTime)
		case <-giveUp:
			cancel()
			if d := <-done; d.err == nil {
				return d.conn, nil // just now
			}
			return nil, &Error{Err: ErrLeft}
		case <-watch.C:
			if !call.Client.Gone() {
				continue
			}
			cancel()
			if d := <-done; d.err == nil {
				d.conn.abort()
			}
			return nil, ErrClientGone
		}
	}
}

type dialed struct {
	conn conn
	err  error
}

func (p *Pool) connect(ctx context.Context) (conn, error) {
	network, err := p.options.Dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("connecting to the endpoint: %w", err)
	}
	c := p.newConn()
	if err := c.base().Connect(ctx, network, p.tls); err != nil {
		return nil, err
	}
	if p.http2 && p.tls != nil && c.base().Secure().ConnectionState().NegotiatedProtocol != "h2" {
		c.abort()
		return nil, errNoHTTP2
	}
	return c, nil
}

func (p *Pool) newConn() conn {
	if p.http2 {
		return newHTTP2(p)
	}
	return newHTTP1(p)
}
