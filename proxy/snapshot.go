package proxy

import (
	"net/http"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/match"
	"github.com/ingress-testbed/testbed/proxy/metrics"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// snapshot is a compiled table. A request reads one snapshot, once, and sees nothing of those that follow.
type snapshot struct {
	table *route.Table
	hosts *match.Hosts[*location]
	// upstreams by ordinal: locations hold ordinals and not pointers, so that a change of endpoints makes a new
	// snapshot out of the old hosts and a new slice.
	upstreams []*group
	certs     *certs.Store
	forwarded forwarded.Settings
}

// location is a compiled route.
type location struct {
	path    string // as the table writes it
	policy  route.Policy
	primary target
	canary  *balance.Canary // nil without a canary
	other   target          // the canary's
}

// target is a compiled backend.
type target struct {
	ordinal int
	backend route.Backend
	series  *metrics.Series
}

// group is a compiled route.Upstream.
type group struct {
	source   route.Upstream
	rotation *balance.Rotation
	pools    []*upstream.Pool // by the rotation's index
	security security
	h2       *http.Transport // nil for HTTP/1.1
	problem  error           // why it is served without endpoints
}

// scheme is that of the endpoints' URLs.
func (g *group) scheme() string {
	if g.security.config != nil {
		return "https"
	}
	return "http"
}

// choice is where a request goes. Its upstream may be without endpoints.
type choice struct {
	target   *target
	upstream *group
	endpoint int    // index in the upstream's rotation; -1 if it has none
	session  string // the session cookie's value to set, or ""
}

// choose picks side and endpoint: a session that is known goes on where it was, else the canary's rules decide and
// the next endpoint has its turn.
func (s *snapshot) choose(at *location, request balance.Request) choice {
	affinity := at.policy.Affinity
	if affinity != nil {
		if token, found := request.Cookie(affinity.Cookie); found {
			if c, found := s.session(&at.primary, token); found {
				return c
			}
			if at.canary != nil {
				if c, found := s.session(&at.other, token); found {
					return c
				}
			}
		}
	}
	to := &at.primary
	if at.canary != nil && at.canary.Claims(request) {
		to = &at.other
	}
	c := choice{target: to, upstream: s.upstreams[to.ordinal], endpoint: -1}
	if c.upstream.rotation.Len() == 0 {
		return c
	}
	c.endpoint = c.upstream.rotation.Next()
	if affinity != nil {
		c.session = c.upstream.rotation.Token(c.endpoint)
	}
	return c
}

func (s *snapshot) session(at *target, token string) (choice, bool) {
	u := s.upstreams[at.ordinal]
	index, found := u.rotation.Session(token)
	return choice{target: at, upstream: u, endpoint: index}, found
}
