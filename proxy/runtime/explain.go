package runtime

import (
	"slices"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// Explain fills in the server and the routes that Find has compared with a request, of which it has returned one, or nil.
func (t *Table) Explain(into *trace.Exchange, r *policy.Request, selected *Route) {
	host := string(r.Host)
	into.Server.Name, into.Server.Found = t.hosts.Server(host)
	into.Path = string(r.Decoded)
	for _, considered := range t.hosts.Explain(host, into.Path, r.Message) {
		candidate := trace.Candidate{Route: considered.Value.table, Verdict: trace.LessSpecific}
		switch {
		case considered.Value == selected:
			candidate.Verdict = trace.Selected
		case !considered.MatchesPath:
			candidate.Verdict = trace.OtherPath
		case !considered.MeetsConditions:
			candidate.Verdict = trace.OtherCondition
		}
		into.Candidates = append(into.Candidates, candidate)
	}
}

// Explain returns the route as the table has it, and what its policies have done with a request.
func (r *Route) Explain(request *policy.Request) (*route.Route, []trace.Policy) {
	return r.table, r.Chain.Explain(request)
}

// Explain describes the selection of a route's backend; nil if it has none.
func (s *Selection) Explain(selected *Route) *trace.Selection {
	if s.Backend == nil {
		return nil
	}
	explained := &trace.Selection{By: s.by}
	forward, _ := selected.table.Action.(route.Forward)
	if i := slices.IndexFunc(selected.all(), func(b *Backend) bool { return b == s.Backend }); i < len(forward.Backends) {
		explained.Backend = forward.Backends[i]
	} else if forward.Canary != nil {
		explained.Backend, explained.Canary = forward.Canary.Backend, true
	}
	if s.Upstream == nil {
		return explained
	}
	explained.Endpoints = s.Upstream.source.Endpoints
	explained.Protocol = s.Upstream.Protocol.String()
	if s.Endpoint >= 0 {
		explained.Endpoint = s.Pool().Address
	}
	return explained
}
