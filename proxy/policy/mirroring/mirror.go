// Package mirroring has the policy that sends copies of requests to another server.
package mirroring

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Mirror sends a copy of each request that the other policies allow to a server, whose reply is dropped. A copy neither delays
// nor fails the request itself: it is left out if there is no server, if mostCopies are under way or if the body is large or
// incomplete.
type Mirror struct {
	// Upstream is the server, an upstream of the table.
	Upstream string
	// Host is sent as Host; Path is the target, query included, with variables; $uri is encoded.
	Host, Path string
	// Body sends the body, too, when it was forwarded to its end.
	Body bool
	// HTTP10 sends the copies in HTTP/1.0.
	HTTP10 bool
}

// Stage implements policy.Policy.
func (Mirror) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p Mirror) Text() string {
	text := fmt.Sprintf("mirror to %s host=%q path=%q body=%t", p.Upstream, p.Host, p.Path, p.Body)
	if p.HTTP10 {
		text += " by HTTP/1.0"
	}
	return text
}

// Equal implements route.Policy.
func (p Mirror) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Upstreams implements policy.UpstreamUser.
func (p Mirror) Upstreams() []string { return []string{p.Upstream} }

// Bind implements policy.Binder. Policies with the same server share its limits.
func (p Mirror) Bind(b *policy.Binding) (hooks any, err error) {
	path, err := variable.ParseURL(p.Path)
	if err != nil {
		return nil, fmt.Errorf("the path %q: %w", p.Path, err)
	}
	return &mirror{Mirror: p, path: path, load: policy.BoundState(b, "mirror "+p.Upstream, newLoad)}, nil
}

// mirror is a compiled Mirror.
type mirror struct {
	Mirror
	path variable.Template
	load *load
}

// Request is the hook.
func (p *mirror) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	hasBody := p.Body && r.Message.HasBody()
	pool := r.Upstreams.NextPool(p.Upstream)
	if pool == nil || hasBody && r.Message.Length > mostBody || !p.load.begin() {
		return policy.Reply{}, false
	}
	made := &requestCopy{mirror: p, pool: pool, head: p.appendHead(nil, r)}
	if !hasBody {
		made.End()
		return policy.Reply{}, false
	}
	r.Copy = made
	r.Hold(made)
	return policy.Reply{}, false
}

// appendHead appends the head of a copy, without the empty line. The request's own memory is used again when it has ended.
func (p *mirror) appendHead(dst []byte, r *policy.Request) []byte {
	var request message.Request
	r.Message.Subrequest(&request, r.Message.Method)
	dst = append(append(dst, request.Method...), ' ')
	dst = append(p.path.AppendURL(dst, r), " HTTP/1.1\r\nHost: "...)
	dst = append(append(dst, p.Host...), '\r', '\n')
	return request.AppendForwarded(dst)
}
