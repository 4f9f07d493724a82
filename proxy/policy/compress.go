package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Compress compresses replies with the first of its codings that suits the reply and that the client accepts. Whether it
// does or not, replies that could be compressed say so in Vary (RFC 9110 section 12.5.5).
type Compress struct {
	Codings []compress.Settings
}

// Stage implements Policy.
func (Compress) Stage() Stage { return Replying }

// Text implements route.Policy.
func (p Compress) Text() string {
	var texts []string
	for _, s := range p.Codings {
		text := fmt.Sprintf("%s level=%d from %d bytes of %v", s.Coding, s.Level, s.MinLength, s.Types)
		if s.Except != "" {
			text += fmt.Sprintf(" except for User-Agent ~ %q", s.Except)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", else ")
}

// Equal implements route.Policy.
func (p Compress) Equal(other route.Policy) bool {
	o, ok := other.(Compress)
	return ok && slices.EqualFunc(p.Codings, o.Codings, compress.Settings.Equal)
}

// Bind implements Binder.
func (p Compress) Bind(*Binding) (any, error) {
	bound := &compressing{}
	for _, settings := range p.Codings {
		made, err := compress.New(settings)
		if err != nil {
			return nil, err
		}
		bound.compressors = append(bound.compressors, made)
	}
	return bound, nil
}

// compressing is a compiled Compress.
type compressing struct{ compressors []*compress.Compressor }

// Reply implements ReplyPolicy.
func (p *compressing) Reply(r *Request, reply *message.Response) {
	if reply == nil || !reply.HasBody(r.Message.Method) {
		return
	}
	varies := false
	for _, c := range p.compressors {
		if !c.Eligible(reply) {
			continue
		}
		if !varies {
			varies = true
			r.AddReplyHeader("Vary", "Accept-Encoding")
		}
		if c.Accepts(r.Message) {
			r.ReplyLines = c.Announce(reply, r.ReplyLines)
			r.Compressor = c
			return
		}
	}
}
