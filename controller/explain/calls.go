package explain

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/mirroring"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// Purpose is why an endpoint got a request other than the client's own.
type Purpose string

// The purposes.
const (
	// ForAuthentication is a request to an external authentication server.
	ForAuthentication Purpose = "authentication"
	// ForCopy is a copy for a mirror.
	ForCopy Purpose = "copy"
	// ForErrorPage is a request to an error backend.
	ForErrorPage Purpose = "error page"
	// ForAttempt is the client's request at an endpoint that didn't answer it.
	ForAttempt Purpose = "attempt"
)

// section is the name of the section that shows a request with the purpose.
func (p Purpose) section() string {
	switch p {
	case ForAuthentication:
		return "asks"
	case ForCopy:
		return "copies to"
	case ForErrorPage:
		return "error page of"
	case ForAttempt:
		return "tries"
	}
	return "gets"
}

// copyTimeout bounds the wait for copies, which are sent beside the request. One that isn't sent, because the request's body was
// incomplete, costs as much.
const copyTimeout = time.Second

// awaitCopies waits until the mirrors of the route have got their copies.
func (r *run) awaitCopies(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	for {
		r.mu.Lock()
		missing := r.copiesMissing()
		arrival := r.arrival
		r.mu.Unlock()
		if !missing {
			return
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return
		}
	}
}

// copiesMissing reports whether a mirror that the request has come to has no copy yet; r.mu must be held.
func (r *run) copiesMissing() bool {
	t := &r.traces[0]
	if t.Route == nil {
		return false
	}
	want := 0
	for _, p := range t.Route.Policies {
		mirror, ok := p.(mirroring.Mirror)
		if !ok || len(r.addresses(mirror.Upstream)) == 0 {
			continue
		}
		if slices.ContainsFunc(t.Policies, func(met trace.Policy) bool { return met.Text == mirror.Text() && met.Event != nil }) {
			want++
		}
	}
	for i := range r.received {
		if slices.Contains(r.purposes(t, &r.received[i]), ForCopy) {
			want--
		}
	}
	return want > 0
}

// addresses are those of the endpoints of an upstream.
func (r *run) addresses(upstream string) []netip.AddrPort {
	var all []netip.AddrPort
	for _, one := range r.state.Table.Upstreams {
		if one.Name == upstream {
			for _, endpoint := range one.Endpoints {
				all = append(all, endpoint.Address)
			}
		}
	}
	return all
}

// purposes are those that the policies of the route may have had with a request that an endpoint got. An endpoint may serve several:
// then the fields that the proxy adds for each tell them apart.
func (r *run) purposes(t *trace.Exchange, got *received) []Purpose {
	if t.Route == nil {
		return nil
	}
	var all []Purpose
	header := got.request.Header
	for _, p := range t.Route.Policies {
		user, ok := p.(policy.UpstreamUser)
		if !ok || !slices.ContainsFunc(user.Upstreams(), func(name string) bool { return slices.Contains(r.addresses(name), got.address) }) {
			continue
		}
		switch p := route.Policy(user).(type) {
		case mirroring.Mirror:
			if got.request.Host == p.Host && header.Get("X-Forwarded-Proto") == "" {
				all = append(all, ForCopy)
			}
		case policy.ErrorPages:
			if header.Get("X-Code") != "" {
				all = append(all, ForErrorPage)
			}
		default:
			if header.Get("X-Original-Method") != "" {
				all = append(all, ForAuthentication)
			}
		}
	}
	return all
}

// sortReceived returns which of the received requests is the client's own as the backend got it, nil for none, and the others.
// r.mu must be held.
func (r *run) sortReceived(t *trace.Exchange) (own *Sent, calls []Sent) {
	isEndpoint := func(address netip.AddrPort) bool {
		return t.Selection != nil && t.Attempts > 0 && slices.ContainsFunc(t.Selection.Endpoints, func(e route.Endpoint) bool { return e.Address == address })
	}
	last := -1
	for i := range r.received {
		if got := &r.received[i]; isEndpoint(got.address) && len(r.purposes(t, got)) == 0 {
			last = i
		}
	}
	for i := range r.received { // an error backend serves requests for backends without endpoints itself
		if got := &r.received[i]; last < 0 && isEndpoint(got.address) {
			last = i
		}
	}
	if last >= 0 && r.received[last].address.String() != t.Selection.Endpoint {
		last = -1 // the endpoint that was tried last got nothing
	}
	for i, got := range r.received {
		sent := r.newSent(got)
		switch purposes := r.purposes(t, &got); {
		case i == last:
			own = &sent
			continue
		case len(purposes) > 0:
			sent.For = purposes[0]
		case isEndpoint(got.address):
			sent.For = ForAttempt
		default:
			sent.For = ForAuthentication
		}
		calls = append(calls, sent)
	}
	return own, calls
}

// hasCall reports whether policies have sent a request for a purpose.
func (x *Explanation) hasCall(purpose Purpose) bool {
	return slices.ContainsFunc(x.Calls, func(s Sent) bool { return s.For == purpose })
}
