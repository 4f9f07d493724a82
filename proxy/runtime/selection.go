package runtime

import (
	"time"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/trace"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// Selection is where a request goes. The zero value is none.
type Selection struct {
	// Backend is nil if the route has no backend that gets anything.
	Backend *Backend
	// Upstream is nil if the backend denies.
	Upstream *Upstream
	// Endpoint is an index in Upstream.Turns; -1 if there is no endpoint.
	Endpoint int

	sticky bool
	stays  bool // a session that began before, and must not move
	by     trace.Rule
}

// Movable reports whether another endpoint may be tried if the selected one fails.
func (s *Selection) Movable() bool { return !s.stays }

// Pool is that of the selected endpoint, which there must be.
func (s *Selection) Pool() *upstream.Pool { return s.Upstream.Pools[s.Endpoint] }

// Denied is the reply of a backend that denies.
func (s *Selection) Denied() (reply policy.Reply, is bool) {
	if s.Backend == nil || s.Backend.Deny == nil {
		return policy.Reply{}, false
	}
	return denied(s.Backend.Deny), true
}

// Next selects the endpoint after the selected one, which failed, and moves the session there. It takes no turn: the
// turns of other requests stay exact.
func (s *Selection) Next(r *policy.Request) {
	turns := s.Upstream.Turns
	s.Endpoint = (s.Endpoint + 1) % turns.Len()
	if s.sticky {
		r.Session = turns.Token(s.Endpoint)
	}
}

// Renew selects an endpoint of the same upstream in a newer table, after the selected one has left; a session moves there. It
// reports false, and changes nothing, if there is none.
func (s *Selection) Renew(newer *Table, r *policy.Request) bool {
	u := newer.successor(s)
	if u == nil || u.Turns.Len() == 0 {
		return false
	}
	s.Upstream, s.Endpoint = u, u.Turns.Next()
	if s.sticky {
		r.Session = u.Turns.Token(s.Endpoint)
	}
	return true
}

// successor is the upstream of the table that has the name of a selection's; nil if it has none. A slot may have become that of
// another upstream.
func (t *Table) successor(s *Selection) *Upstream {
	if u := t.called[s.Upstream.Name]; u != nil {
		return u
	}
	if s.Backend == nil || s.Backend.slot >= len(t.upstreams) {
		return nil
	}
	if u := t.upstreams[s.Backend.slot]; u != nil && u.Name == s.Upstream.Name {
		return u
	}
	return nil
}

// Select picks backend and endpoint. The session of a client's cookie keeps its endpoint, whichever backend has it;
// otherwise the canary's rules or the weights pick the backend, and the next endpoint has its turn. A canary without
// endpoints gets nothing. A session that begins is set in the request.
func (t *Table) Select(route *Route, r *policy.Request) Selection {
	affinity := route.Chain.Settings.Affinity
	if affinity != nil {
		if token, found := balance.Cookie(r.Message, affinity.Cookie); found {
			if selection, found := t.session(route, r, token); found {
				return selection
			}
		}
	}
	backend, by := t.pick(route, r)
	if backend == nil || backend.Deny != nil {
		return Selection{Backend: backend, Endpoint: -1, by: by}
	}
	selection := Selection{Backend: backend, Upstream: t.upstreamOf(backend, r), Endpoint: -1, sticky: affinity != nil, by: by}
	if affinity != nil && affinity.MainOnly && route.canary != nil && backend == &route.canary.backend {
		selection.sticky = false
	}
	turns := selection.Upstream.Turns
	if turns.Len() == 0 {
		return selection
	}
	selection.Endpoint = next(selection.Upstream, &route.Chain.Settings, r)
	if selection.sticky {
		r.Session = turns.Token(selection.Endpoint)
	}
	return selection
}

// upstreamOf returns the upstream of a backend for a request. The backend doesn't deny.
func (t *Table) upstreamOf(backend *Backend, r *policy.Request) *Upstream {
	if backend.secureSlot >= 0 && r.Scheme == "https" {
		return t.upstreams[backend.secureSlot]
	}
	return t.upstreams[backend.slot]
}

// next selects an endpoint by the request's key or by latency, or takes a turn.
func next(u *Upstream, settings *policy.Settings, r *policy.Request) int {
	turns := u.Turns
	switch {
	case settings.HashKey != nil:
	case settings.ByLatency:
		return balance.Faster(turns.Len(), func(i int) *balance.Latency { return &u.Pools[i].Latency }, time.Now())
	default:
		return turns.Next()
	}
	r.Key = settings.HashKey.Append(r.Key[:0], r)
	if settings.HashSubset > 0 {
		return turns.HashedSubset(r.Key, settings.HashSubset)
	}
	return turns.Hashed(r.Key)
}

// pick picks the backend; nil if none has a weight.
func (t *Table) pick(route *Route, r *policy.Request) (picked *Backend, by trace.Rule) {
	by = trace.ByWeight
	if route.canary != nil {
		backend := &route.canary.backend
		if backend.Deny != nil || t.upstreamOf(backend, r).Turns.Len() > 0 {
			matches, rule := route.canary.rules.Matches(r.Message)
			by = trace.ByCanaryHeader + trace.Rule(rule)
			if matches {
				return backend, by
			}
		}
	}
	if i := route.weights.Draw(); i >= 0 {
		return &route.backends[i], by
	}
	return nil, by
}

// session finds the endpoint of a session among the backends that get anything. If the endpoint is gone, the session
// goes to another one of the same upstream, so that it stays on its side of a canary.
func (t *Table) session(route *Route, r *policy.Request, token string) (Selection, bool) {
	affinity := route.Chain.Settings.Affinity
	for i := range route.backends {
		if backend := &route.backends[i]; backend.weight > 0 {
			if selection, found := t.sessionOf(backend, r, token, affinity.Stay); found {
				return selection, true
			}
		}
	}
	if route.canary == nil || affinity.MainOnly {
		return Selection{}, false
	}
	return t.sessionOf(&route.canary.backend, r, token, affinity.Stay)
}

func (t *Table) sessionOf(backend *Backend, r *policy.Request, token string, stays bool) (Selection, bool) {
	if backend.Deny != nil {
		return Selection{}, false
	}
	u := t.upstreamOf(backend, r)
	selection := Selection{Backend: backend, Upstream: u, sticky: true, stays: stays}
	endpoint, found := u.Turns.Session(token)
	if !found && u.Turns.Len() > 0 && u.Turns.Owns(token) {
		endpoint, found = u.Turns.Next(), true
		r.Session = u.Turns.Token(endpoint)
	}
	selection.Endpoint = endpoint
	return selection, found
}
