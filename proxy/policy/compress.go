package policy

import (
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Compress compresses replies with gzip for clients that accept it. Whether they do or not, replies that could be
// compressed say so in Vary (RFC 9110 section 12.5.5).
type Compress struct {
	Settings compress.Settings
}

// Stage implements Policy.
func (Compress) Stage() Stage { return Replying }

// Text implements route.Policy.
func (p Compress) Text() string {
	return fmt.Sprintf("gzip level=%d from %d bytes of %v", p.Settings.Level, p.Settings.MinLength, p.Settings.Types)
}

// Equal implements route.Policy.
func (p Compress) Equal(other route.Policy) bool {
	o, ok := other.(Compress)
	return ok && p.Settings.Level == o.Settings.Level && p.Settings.MinLength == o.Settings.MinLength &&
		slices.Equal(p.Settings.Types, o.Settings.Types)
}

// Bind implements Binder.
func (p Compress) Bind(*Binding) (any, error) { return &compressing{compress.New(p.Settings)}, nil }

// compressing is a compiled Compress.
type compressing struct{ compressor *compress.Compressor }

// Reply implements ReplyPolicy.
func (p *compressing) Reply(r *Request, reply *message.Response) {
	if reply == nil || !reply.HasBody(r.Message.Method) || !p.compressor.Eligible(reply) {
		return
	}
	r.AddReplyHeader("Vary", "Accept-Encoding")
	if compress.Accepts(r.Message) {
		r.ReplyLines = compress.Announce(reply, r.ReplyLines)
		r.Compressor = p.compressor
	}
}
