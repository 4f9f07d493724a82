package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// CompileTraced is Compile for a chain that records what its policies do with requests that have a map of Events. Hooks are
// wrapped, so that chains of Compile have nothing to check.
func CompileTraced(policies []route.Policy, states *States) (Chain, error) {
	return compileWith(policies, states, func(c *Chain, p Policy) {
		traced := tracedPolicy{policy: p, requests: len(c.requests), replies: len(c.replies)}
		if last := len(c.requests) - 1; traced.seesRequests(c.traced) {
			c.requests[last] = tracedHook{hook: c.requests[last], index: len(c.traced)}
		}
		c.traced = append(c.traced, traced)
	})
}

// tracedPolicy is a policy of a traced chain.
type tracedPolicy struct {
	policy Policy
	// requests and replies are how many hooks the chain has, those of this policy included.
	requests, replies int
}

// seesRequests reports whether a policy has a request hook; earlier are those before it in the chain.
func (p tracedPolicy) seesRequests(earlier []tracedPolicy) bool {
	return p.requests > last(earlier).requests
}

func (p tracedPolicy) seesReplies(earlier []tracedPolicy) bool {
	return p.replies > last(earlier).replies
}

func last(policies []tracedPolicy) tracedPolicy {
	if len(policies) == 0 {
		return tracedPolicy{}
	}
	return policies[len(policies)-1]
}

// Explain describes the policies of a traced chain, and what they have done with a request.
func (c *Chain) Explain(r *Request) []trace.Policy {
	var all []trace.Policy
	for i, p := range c.traced {
		all = append(all, trace.Policy{
			Text: p.policy.Text(), Stage: p.policy.Stage().String(), Event: r.Events[i],
			SeesRequests: p.seesRequests(c.traced[:i]), SeesReplies: p.seesReplies(c.traced[:i]),
		})
	}
	return all
}

// String is the stage as a word.
func (s Stage) String() string {
	switch s {
	case Redirecting:
		return "redirecting"
	case Limiting:
		return "limiting"
	case Authorizing:
		return "authorizing"
	case Rewriting:
		return "rewriting"
	case Selecting:
		return "selecting"
	case Replying:
		return "replying"
	}
	return fmt.Sprintf("Stage(%d)", uint8(s))
}

// tracedHook records what a hook does.
type tracedHook struct {
	hook  requestHook
	index int
}

// Request implements RequestPolicy's hook.
func (t tracedHook) Request(r *Request) (reply Reply, answered bool) {
	before := stateOf(r)
	reply, answered = t.hook.Request(r)
	if r.Events == nil {
		return reply, answered
	}
	event := &trace.Event{Effects: before.changes(stateOf(r))}
	if answered {
		event.Status, event.Reason = reply.Status, reply.Reason
	}
	r.Events[t.index] = event
	return reply, answered
}

// state is what policies may change of a request.
type state struct {
	path, query, host        string
	fields                   []string
	requestLines, replyLines []string
	successLines             []string
	session                  string
	compresses               bool
}

func stateOf(r *Request) state {
	s := state{
		path: string(r.Path), query: string(r.Message.Query), host: r.UpstreamHost, session: r.Session,
		requestLines: lines(r.RequestLines), replyLines: lines(r.ReplyLines), successLines: lines(r.SuccessLines),
		compresses: r.Compressor != nil,
	}
	for _, field := range r.Message.Fields {
		s.fields = append(s.fields, fieldText(field))
	}
	return s
}

func fieldText(field message.Field) string { return string(field.Name) + ": " + string(field.Value) }

func lines(text []byte) []string {
	return strings.FieldsFunc(string(text), func(c rune) bool { return c == '\r' || c == '\n' })
}

// changes are phrases about what differs afterwards.
func (s state) changes(after state) []string {
	var all []string
	add := func(format string, arguments ...any) { all = append(all, fmt.Sprintf(format, arguments...)) }
	if s.path != after.path {
		add("path %s becomes %s", s.path, after.path)
	}
	if s.query != after.query {
		add("query %q becomes %q", s.query, after.query)
	}
	if s.host != after.host {
		add("host becomes %s", after.host)
	}
	for _, part := range []struct {
		text          string
		before, after []string
	}{
		{"removes request field", after.fields, s.fields},
		{"sets request field", s.fields, after.fields},
		{"sets request field", s.requestLines, after.requestLines},
		{"sets reply field", s.replyLines, after.replyLines},
		{"sets reply field (if successful)", s.successLines, after.successLines},
	} {
		for _, line := range part.after {
			if !slices.Contains(part.before, line) {
				add("%s %s", part.text, line)
			}
		}
	}
	if !s.compresses && after.compresses {
		add("compresses the reply")
	}
	return all
}
