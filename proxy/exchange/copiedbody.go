package exchange

import (
	"errors"
	"io"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// copiedBody copies the body of a request, for a mirror, as it is read.
type copiedBody struct {
	body upstream.Body
	to   policy.BodyCopy
}

// Available implements upstream.Body.
func (b *copiedBody) Available() ([]byte, error) { return b.hand(b.body.Available()) }

// Next implements upstream.Body.
func (b *copiedBody) Next() ([]byte, error) { return b.hand(b.body.Next()) }

// Ended implements upstream.Body.
func (b *copiedBody) Ended() bool { return b.body.Ended() }

// Trailers implements upstream.Body.
func (b *copiedBody) Trailers() []message.Field { return b.body.Trailers() }

func (b *copiedBody) hand(piece []byte, err error) ([]byte, error) {
	if len(piece) > 0 {
		b.to.Piece(piece)
	}
	if errors.Is(err, io.EOF) {
		b.to.End()
	}
	return piece, err
}
