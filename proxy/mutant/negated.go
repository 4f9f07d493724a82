package mutant

import (
	"net/http"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// negated answers the requests that a policy lets pass, and lets those pass that it answers.
type negated struct{ of policy.Policy }

// Stage implements policy.Policy.
func (p negated) Stage() policy.Stage { return p.of.Stage() }

// Text implements route.Policy.
func (p negated) Text() string { return "not (" + p.of.Text() + ")" }

// Equal implements route.Policy.
func (p negated) Equal(other route.Policy) bool {
	o, ok := other.(negated)
	return ok && p.of.Equal(o.of)
}

// Upstreams implements policy.UpstreamUser.
func (p negated) Upstreams() []string {
	if user, ok := p.of.(policy.UpstreamUser); ok {
		return user.Upstreams()
	}
	return nil
}

// Bind implements policy.Binder.
func (p negated) Bind(b *policy.Binding) (any, error) {
	chain, err := b.Compile(p.of)
	if err != nil {
		return nil, err
	}
	return &negatedChain{chain}, nil
}

// negatedChain is a compiled negated.
type negatedChain struct{ chain policy.Chain }

// Request is the hook. What the policy has added to its answer is dropped with that.
func (p *negatedChain) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	start := len(r.ReplyLines)
	if _, answered := p.chain.Request(r); answered {
		r.ReplyLines = r.ReplyLines[:start]
		return policy.Reply{}, false
	}
	return policy.Reply{Status: http.StatusForbidden, Reason: "negated: " + http.StatusText(http.StatusForbidden)}, true
}

// Reply is the hook.
func (p *negatedChain) Reply(r *policy.Request, reply *message.Response) { p.chain.Reply(r, reply) }
