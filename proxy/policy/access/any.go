package access

import (
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Any allows a request if one of its policies allows it: ingress-nginx's "satisfy: any". Otherwise the answer is the one that
// requests a password, if there is one, and else that of the last policy.
type Any struct {
	Of []policy.Policy
}

// Stage implements policy.Policy.
func (Any) Stage() policy.Stage { return policy.Authorizing }

// Text implements route.Policy.
func (p Any) Text() string {
	texts := make([]string, len(p.Of))
	for i, one := range p.Of {
		texts[i] = one.Text()
	}
	return "any of (" + strings.Join(texts, ") or (") + ")"
}

// Equal implements route.Policy.
func (p Any) Equal(other route.Policy) bool {
	o, ok := other.(Any)
	return ok && slices.EqualFunc(p.Of, o.Of, func(a, b policy.Policy) bool { return a.Equal(b) })
}

// Upstreams implements policy.UpstreamUser.
func (p Any) Upstreams() []string {
	var names []string
	for _, one := range p.Of {
		if user, ok := one.(policy.UpstreamUser); ok {
			names = append(names, user.Upstreams()...)
		}
	}
	return names
}

// Bind implements policy.Binder.
func (p Any) Bind(b *policy.Binding) (any, error) {
	chains := make([]policy.Chain, len(p.Of))
	for i, one := range p.Of {
		var err error
		if chains[i], err = b.Compile(one); err != nil {
			return nil, err
		}
	}
	return &anyOf{chains}, nil
}

// anyOf is a compiled Any.
type anyOf struct{ chains []policy.Chain }

// Request is the hook. What a policy adds to the reply stays only if it answers, or lets pass.
func (p *anyOf) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	start := len(r.ReplyLines)
	var kept []byte
	for i := range p.chains {
		answer, refused := p.chains[i].Request(r)
		if !refused {
			return policy.Reply{}, false
		}
		lines := r.ReplyLines[start:]
		if !answered || reply.Status != 401 {
			reply, answered = answer, true
			kept = append(kept[:0], lines...)
		}
		r.ReplyLines = r.ReplyLines[:start]
	}
	r.ReplyLines = append(r.ReplyLines, kept...)
	return reply, answered
}

// Reply is the hook.
func (p *anyOf) Reply(r *policy.Request, reply *message.Response) {
	for i := range p.chains {
		p.chains[i].Reply(r, reply)
	}
}
