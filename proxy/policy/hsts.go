package policy

import (
	"fmt"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// HSTS sets Strict-Transport-Security (RFC 6797) in replies over HTTPS, in the place of an endpoint's own.
type HSTS struct {
	Value string // of the field
	// Own leaves out replies to requests whose TLS ended at a proxy in front of this one, and to those that were refused for
	// want of a client certificate, as ingress-nginx does.
	Own bool
}

// Stage implements Policy.
func (HSTS) Stage() Stage { return Replying }

// Text implements route.Policy.
func (p HSTS) Text() string {
	text := fmt.Sprintf("hsts %q", p.Value)
	if p.Own {
		text += " own"
	}
	return text
}

// Equal implements route.Policy.
func (p HSTS) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Reply implements ReplyPolicy.
func (p HSTS) Reply(r *Request, reply *message.Response) {
	if r.Scheme != "https" || p.Own && (r.TLS == nil || r.NoCertificate) {
		return
	}
	if reply != nil {
		reply.Remove(message.StrictTransportSecurity)
	}
	r.AddReplyHeader("Strict-Transport-Security", p.Value)
}
