package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// ErrorPages replaces replies by what an error backend replies to a request for "/" with the fields of ingress-nginx,
// X-Code for the status and others. The client gets the status of the error backend.
type ErrorPages struct {
	// Statuses of the replies that are replaced, those of the proxy itself included.
	Statuses []int
	// OwnOnly leaves replies of endpoints as they are.
	OwnOnly bool
	// Upstream is the error backend, an upstream of the table. Without one, or without a reply from it, the client gets the
	// proxy's page with the status, or with Status if that is not 0.
	Upstream string
	Status   int
	// Unavailable has Upstream serve the requests themselves as long as the upstream of the route has no endpoint. It gets
	// the same fields, with 503 as X-Code.
	Unavailable bool
	// HTTP10 sends the requests for pages in HTTP/1.0.
	HTTP10 bool
	// Namespace, Ingress, Service and Port are what the error backend gets as X-Namespace, X-Ingress-Name, X-Service-Name
	// and X-Service-Port.
	Namespace, Ingress, Service, Port string
}

// Stage implements Policy.
func (ErrorPages) Stage() Stage { return Replying }

// Text implements route.Policy.
func (p ErrorPages) Text() string {
	text := []string{"error pages"}
	for _, status := range p.Statuses {
		text = append(text, fmt.Sprint(status))
	}
	if p.OwnOnly {
		text = append(text, "of the proxy")
	}
	if p.Upstream != "" {
		text = append(text, "from "+p.Upstream)
	}
	if p.Status != 0 {
		text = append(text, fmt.Sprintf("else %d", p.Status))
	}
	if p.Unavailable {
		text = append(text, "also without endpoints")
	}
	if p.HTTP10 {
		text = append(text, "by HTTP/1.0")
	}
	return fmt.Sprintf("%s for %s/%s %s:%s", strings.Join(text, " "), p.Namespace, p.Ingress, p.Service, p.Port)
}

// Equal implements route.Policy.
func (p ErrorPages) Equal(other route.Policy) bool {
	o, ok := other.(ErrorPages)
	return ok && p.Text() == o.Text()
}

// Configure implements Configurer.
func (p ErrorPages) Configure(settings *Settings) { settings.ErrorPages = &p }

// Upstreams implements UpstreamUser.
func (p ErrorPages) Upstreams() []string {
	if p.Upstream == "" {
		return nil
	}
	return []string{p.Upstream}
}

// Replaces reports whether a reply is replaced.
func (p *ErrorPages) Replaces(status int, own bool) bool {
	return slices.Contains(p.Statuses, status) && (own || !p.OwnOnly)
}

// AppendLines appends the field lines that the error backend gets with a request.
func (p *ErrorPages) AppendLines(dst []byte, status int, r *Request) []byte {
	accept, _ := r.Message.Lookup("accept")
	dst = AppendLine(dst, "X-Code", fmt.Sprint(status))
	dst = AppendLine(dst, "X-Format", string(accept))
	for _, field := range []struct{ name, value string }{
		{"X-Namespace", p.Namespace}, {"X-Ingress-Name", p.Ingress}, {"X-Service-Name", p.Service}, {"X-Service-Port", p.Port},
	} {
		dst = AppendLine(dst, field.name, field.value)
	}
	return dst
}

// Forget removes the fields of the error backend that the client has sent, which could mislead it.
func (p *ErrorPages) Forget(r *Request) {
	for _, name := range []string{
		"x-code", "x-format", "x-original-uri", "x-namespace", "x-ingress-name", "x-service-name", "x-service-port",
	} {
		r.Message.RemoveName(name)
	}
}
