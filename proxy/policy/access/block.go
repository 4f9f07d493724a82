package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Block answers what some clients send with 403, before anything else is answered: ingress-nginx's block-cidrs,
// block-user-agents and block-referers.
type Block struct {
	Networks []netip.Prefix
	// UserAgents and Referers are values of the fields, compared without regard to case, or regular expressions that
	// begin with "~" or, without regard to case, with "~*" (the syntax of nginx's map, with expressions of package regex).
	UserAgents, Referers []string
}

// Stage implements policy.Policy.
func (Block) Stage() policy.Stage { return policy.Redirecting }

// Text implements route.Policy.
func (p Block) Text() string {
	return fmt.Sprintf("block addresses=%v user-agents=%q referers=%q", p.Networks, p.UserAgents, p.Referers)
}

// Equal implements route.Policy.
func (p Block) Equal(other route.Policy) bool {
	o, ok := other.(Block)
	return ok && slices.Equal(p.Networks, o.Networks) && slices.Equal(p.UserAgents, o.UserAgents) &&
		slices.Equal(p.Referers, o.Referers)
}

// Bind implements policy.Binder.
func (p Block) Bind(*policy.Binding) (any, error) {
	userAgents, err := newPatterns(p.UserAgents)
	if err != nil {
		return nil, err
	}
	referers, err := newPatterns(p.Referers)
	if err != nil {
		return nil, err
	}
	return &block{newNetworks(p.Networks), userAgents, referers}, nil
}

// block is a compiled Block.
type block struct {
	networks             *networks
	userAgents, referers patterns
}

// Request is the hook.
func (p *block) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	switch {
	case p.networks.contain(r.Client):
		return policy.Reply{Status: 403, Reason: "the client's address is blocked"}, true
	case p.userAgents.match(r.Message.Value(message.UserAgent)):
		return policy.Reply{Status: 403, Reason: "the client's User-Agent is blocked"}, true
	case p.referers.match(r.Message.Value(message.Referer)):
		return policy.Reply{Status: 403, Reason: "the request's Referer is blocked"}, true
	}
	return policy.Reply{}, false
}

// patterns are values and regular expressions.
type patterns struct {
	values      []string // in lower case
	expressions []*regex.Expression
}

func newPatterns(texts []string) (patterns, error) {
	var p patterns
	for _, text := range texts {
		expression, isExpression := ExpressionOf(text)
		if !isExpression {
			p.values = append(p.values, strings.ToLower(text))
			continue
		}
		compiled, err := regex.Compile(expression)
		if err != nil {
			return patterns{}, fmt.Errorf("%q: %w", text, err)
		}
		p.expressions = append(p.expressions, compiled)
	}
	return p, nil
}

// ExpressionOf returns the regular expression (package regex) of an element of Block.
func ExpressionOf(text string) (expression string, is bool) {
	if rest, found := strings.CutPrefix(text, "~*"); found {
		return "(?i)" + rest, true
	}
	return strings.CutPrefix(text, "~")
}

func (p *patterns) match(value []byte) bool {
	for _, blocked := range p.values {
		if message.EqualFold(value, blocked) {
			return true
		}
	}
	for _, expression := range p.expressions {
		if expression.Match(value) {
			return true
		}
	}
	return false
}
