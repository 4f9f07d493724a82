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
	// StateKeys are the keys of the states that the policies use, Upstreams the names of the upstreams that they use.
	StateKeys, Upstreams []string

	requests []requestHook
	replies  []replyHook
	traced   []tracedPolicy // empty unless CompileTraced has made the chain
}

// requestHook and replyHook are the hooks of policies, and of what a Binder returns.
type (
	requestHook interface {
		Request(r *Request) (reply Reply, answered bool)
	}
	replyHook interface {
		Reply(r *Request, reply *message.Response)
	}
)

// Compile makes a chain of a route's policies. It fails if one of them is not a policy of this package's kind, has no
// hook, because it would be left out silently otherwise, or can't be bound.
func Compile(policies []route.Policy, states *States) (Chain, error) {
	return compileWith(policies, states, func(*Chain, Policy) {})
}

// compileWith calls added after each policy of the chain.
func compileWith(policies []route.Policy, states *States, added func(*Chain, Policy)) (Chain, error) {
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
	binding := &Binding{States: states}
	for _, p := range ordered {
		if err := chain.add(p, binding); err != nil {
			return Chain{}, err
		}
		added(&chain, p)
	}
	chain.StateKeys = binding.keys
	return chain, nil
}

func (c *Chain) add(p Policy, binding *Binding) error {
	configurer, configures := p.(Configurer)
	if configures {
		configurer.Configure(&c.Settings)
	}
	if user, ok := p.(UpstreamUser); ok {
		c.Upstreams = append(c.Upstreams, user.Upstreams()...)
	}
	var hooks any = p
	if binder, ok := p.(Binder); ok {
		var err error
		if hooks, err = binder.Bind(binding); err != nil {
			return fmt.Errorf("policy %q: %w", p.Text(), err)
		}
	}
	requests, seesRequests := hooks.(requestHook)
	if seesRequests {
		c.requests = append(c.requests, requests)
	}
	replies, seesReplies := hooks.(replyHook)
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
