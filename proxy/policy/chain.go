package policy

import (
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Chain is the compiled policies of a route. The zero value does nothing.
type Chain struct {
	Settings Settings
	requests []RequestPolicy
	replies  []ReplyPolicy
}

// Compile makes a chain of a route's policies. It fails if one of them is not a policy of this package's kind, or has
// no hook: it would be left out silently otherwise.
func Compile(policies []route.Policy) (Chain, error) {
	ordered := make([]Policy, 0, len(policies))
	for _, p := range policies {
		known, ok := p.(Policy)
		if !ok {
			return Chain{}, fmt.Errorf("policy %q has no stage, so that it can't be compiled", p.Text())
		}
		ordered = append(ordered, known)
	}
	slices.SortStableFunc(ordered, func(a, b Policy) int { return int(a.Stage()) - int(b.Stage()) })
	var chain Chain
	for _, p := range ordered {
		if err := chain.add(p); err != nil {
			return Chain{}, err
		}
	}
	return chain, nil
}

func (c *Chain) add(p Policy) error {
	configurer, configures := p.(Configurer)
	if configures {
		configurer.Configure(&c.Settings)
	}
	requests, seesRequests := p.(RequestPolicy)
	if seesRequests {
		c.requests = append(c.requests, requests)
	}
	replies, seesReplies := p.(ReplyPolicy)
	if seesReplies {
		c.replies = append(c.replies, replies)
	}
	if !configures && !seesRequests && !seesReplies {
		return fmt.Errorf("policy %q has no hook, so that it would do nothing", p.Text())
	}
	return nil
}

// Request runs the request policies until one answers.
func (c *Chain) Request(r *Request) (reply Reply, answered bool) {
	for _, p := range c.requests {
		if reply, answered = p.Request(r); answered {
			return reply, true
		}
	}
	return Reply{}, false
}

// Reply runs the reply policies; reply is nil for a local reply.
func (c *Chain) Reply(r *Request, reply *message.Response) {
	for _, p := range c.replies {
		p.Reply(r, reply)
	}
}
