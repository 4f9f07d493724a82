// Package own is the client's side of calls that the proxy makes itself: there is no client that sends a body, gets
// informational replies, or disconnects other than by its context.
package own

import (
	"context"
	"io"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Client is an upstream.Client that is there for as long as its context is not done.
type Client struct {
	ctx context.Context //nolint:containedctx // the context is all that there is of this client
}

// NewClient makes a client of a context.
func NewClient(ctx context.Context) Client { return Client{ctx} }

// CancelBody implements upstream.Client.
func (Client) CancelBody() {}

// OnGone implements upstream.Client.
func (Client) OnGone(io.Closer) {}

// Gone implements upstream.Client.
func (c Client) Gone() bool { return c.ctx.Err() != nil }

// Informational implements upstream.Client.
func (Client) Informational(*message.Response) error { return nil }

// Context implements upstream.Client.
func (c Client) Context() context.Context { return c.ctx }

// Body is an upstream.Body that is there already. The zero value is the body of a request that has none.
type Body struct {
	left []byte
}

// NewBody makes a body of its text, which must not be changed.
func NewBody(text []byte) *Body { return &Body{left: text} }

// Available implements upstream.Body.
func (b *Body) Available() ([]byte, error) {
	if len(b.left) == 0 {
		return nil, io.EOF
	}
	piece := b.left
	b.left = nil
	return piece, nil
}

// Next implements upstream.Body.
func (b *Body) Next() ([]byte, error) { return b.Available() }

// Ended implements upstream.Body.
func (b *Body) Ended() bool { return len(b.left) == 0 }

// Trailers implements upstream.Body.
func (*Body) Trailers() []message.Field { return nil }
