package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// forward sends the request to an endpoint and its reply to the client. An endpoint that can't be reached, or that
// breaks the connection before it replies to a safe request without a body, is given up for the next one.
func (x *exchange) forward() bool {
	if x.choice.upstream.h2 != nil {
		return x.forwardH2()
	}
	attempts := min(x.server.config.Limits.Attempts, x.choice.upstream.rotation.Len())
	for {
		x.entry.Attempts++
		connection, err := x.ask()
		if err == nil {
			return x.relay(connection)
		}
		if x.entry.Attempts >= attempts || !x.repeatable(err) {
			return x.fail(err)
		}
		x.server.metrics.Retries.Add(1)
		x.nextEndpoint()
	}
}

// nextEndpoint goes on to the endpoint after the one that failed. It takes no turn: the others' turns stay exact.
func (x *exchange) nextEndpoint() {
	rotation := x.choice.upstream.rotation
	x.choice.endpoint = (x.choice.endpoint + 1) % rotation.Len()
	if x.at.policy.Affinity != nil { // the session moves too
		x.choice.session = rotation.Token(x.choice.endpoint)
	}
}

// failure is an error of an attempt.
type failure struct {
	err error
	// sent says that the endpoint may have seen the request.
	sent bool
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func (x *exchange) repeatable(err error) bool {
	var f *failure
	if !errors.As(err, &f) || errors.Is(err, os.ErrDeadlineExceeded) && f.sent {
		return false // a slow endpoint is slow: asking another would double the load
	}
	var refused *message.Error
	return !f.sent || !errors.As(err, &refused) && x.request.IsSafe() && !x.request.HasBody()
}

// ask sends the request and reads the reply's header, interim replies apart. On an error the connection is closed,
// and nothing of the reply was sent to the client.
func (x *exchange) ask() (*upstream.Conn, error) {
	pool := x.choice.upstream.pools[x.choice.endpoint]
	x.entry.Endpoint = pool.Address
	started := x.entry.Time
	if x.entry.Attempts > 1 {
		started = time.Now()
	}
	safe := x.request.IsSafe() && !x.request.HasBody()
	for {
		connection := pool.Get(started, !safe)
		if connection == nil {
			var err error
			if connection, err = pool.Dial(context.Background(), x.connectLimit()); err != nil {
				return nil, &failure{err: err}
			}
		}
		x.front.onGone(connection)
		err := x.send(connection, started)
		if err == nil {
			err = x.readReply(connection, started)
		}
		if err == nil {
			return connection, nil
		}
		x.front.onGone(nil)
		connection.Close()
		if pumped := x.pump.stop(x.front); pumped != nil {
			return nil, pumped
		}
		if x.front.gone() {
			return nil, errClientGone
		}
		// An idle connection that the endpoint has closed says nothing about the endpoint.
		if connection.Reused && safe && connection.In.Buffered() == 0 && broken(err) {
			started = time.Now()
			continue
		}
		return nil, &failure{err: err, sent: true}
	}
}

// send writes the header, and as much of the body as is there; the rest is pumped while the reply is awaited.
func (x *exchange) send(c *upstream.Conn, now time.Time) error {
	c.Out = x.appendHead(c.Out[:0])
	whole := true
	if x.request.HasBody() {
		var err error
		if whole, err = x.appendBody(c); err != nil {
			return err
		}
	}
	if err := c.ExtendWrite(now, x.server.config.Timeouts.Body); err != nil {
		return err
	}
	if whole {
		return c.Ask(c.Out)
	}
	if _, err := c.Write(c.Out); err != nil {
		return err
	}
	x.pump.start(x, c)
	return nil
}

func (x *exchange) connectLimit() time.Duration {
	if own := x.at.policy.ConnectTimeout; own > 0 {
		return own
	}
	return x.server.config.Timeouts.Connect
}

func (x *exchange) responseLimit() time.Duration {
	if own := x.at.policy.ResponseTimeout; own > 0 {
		return own
	}
	return x.server.config.Timeouts.Response
}

// readReply reads headers until one is final or a change of protocols, and sends interim ones to the client.
func (x *exchange) readReply(c *upstream.Conn, now time.Time) error {
	for {
		if err := c.ExtendRead(now, x.responseLimit()); err != nil {
			return err
		}
		head, err := c.In.ReadHeader(x.server.config.Limits.HeaderBytes)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// The reply is not late before its time has passed since the endpoint was sent something last.
			if sent := x.pump.sent.until(); time.Since(sent) < x.responseLimit() {
				now = sent
				continue
			}
		}
		if err != nil {
			return err
		}
		if err := c.Reply.Parse(head, x.server.config.Limits.HeaderFields); err != nil {
			return err
		}
		switch {
		case c.Reply.Status == 101:
			if len(x.request.Upgrade) == 0 {
				return errUnaskedUpgrade
			}
			return nil
		case c.Reply.Status >= 200:
			return nil
		case c.Reply.Status == 100:
			x.pump.sent.invite()
		}
		if x.request.Minor >= 1 || x.request.Major == 2 {
			if err := x.front.informational(&c.Reply); err != nil {
				return errors.Join(errClientGone, err)
			}
		}
		now = time.Now()
	}
}

var (
	errUnaskedUpgrade = &message.Error{Status: 502, Reason: "the endpoint changed protocols without being asked"}
	errClientGone     = errors.New("the client went away")
)

// broken says whether the endpoint has ended the connection.
func broken(err error) bool {
	var system *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &system) && !system.Timeout()
}

// fail answers for an endpoint that gave no reply.
func (x *exchange) fail(err error) bool {
	var fault *bodyFault
	var timeout net.Error
	switch {
	case errors.As(err, &fault):
		return x.failBody(fault)
	case errors.Is(err, errClientGone):
		x.status, x.reason = statusClientGone, err.Error()
		x.front.abort()
		return false
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return x.reply(504, err.Error())
	}
	return x.reply(502, err.Error())
}
