package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// BodySize limits the request body; a larger one is answered with 413 (Content Too Large, RFC 9110 section 15.5.14).
type BodySize struct {
	Bytes int64
}

// Stage implements Policy.
func (BodySize) Stage() Stage { return Limiting }

// Text implements route.Policy.
func (p BodySize) Text() string { return fmt.Sprintf("limit request bodies to %d bytes", p.Bytes) }

// Equal implements route.Policy.
func (p BodySize) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (p BodySize) Configure(settings *Settings) { settings.BodyLimit = p.Bytes }

// ReplyHeader limits the header of replies over HTTP/1.1; one that is larger is answered with 502 (Bad Gateway, RFC 9110 section
// 15.6.3).
type ReplyHeader struct {
	Bytes int
}

// Stage implements Policy.
func (ReplyHeader) Stage() Stage { return Limiting }

// Text implements route.Policy.
func (p ReplyHeader) Text() string { return fmt.Sprintf("limit reply headers to %d bytes", p.Bytes) }

// Equal implements route.Policy.
func (p ReplyHeader) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (p ReplyHeader) Configure(settings *Settings) { settings.ReplyHeader = p.Bytes }

// Timeouts bound how long an endpoint may take; exceeding them is answered with 504 (Gateway Timeout, RFC 9110 section
// 15.6.5). 0 leaves one to the proxy's configuration.
type Timeouts struct {
	Connect  time.Duration // for connecting, TLS handshake included
	Response time.Duration // for silence, before and within a reply, and of an upgraded connection
	Send     time.Duration // for taking nothing of the request
}

// Stage implements Policy.
func (Timeouts) Stage() Stage { return Limiting }

// Text implements route.Policy.
func (p Timeouts) Text() string {
	text := []string{"timeouts"}
	if p.Connect > 0 {
		text = append(text, fmt.Sprintf("connect=%s", p.Connect))
	}
	if p.Response > 0 {
		text = append(text, fmt.Sprintf("response=%s", p.Response))
	}
	if p.Send > 0 {
		text = append(text, fmt.Sprintf("send=%s", p.Send))
	}
	return strings.Join(text, " ")
}

// Equal implements route.Policy.
func (p Timeouts) Equal(other route.Policy) bool { return other == route.Policy(p) }

// Configure implements Configurer.
func (p Timeouts) Configure(settings *Settings) {
	if p.Connect > 0 {
		settings.ConnectTimeout = p.Connect
	}
	if p.Response > 0 {
		settings.ResponseTimeout = p.Response
	}
	if p.Send > 0 {
		settings.SendTimeout = p.Send
	}
}
