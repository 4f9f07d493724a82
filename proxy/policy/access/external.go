package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// External allows the requests that an external server allows: ingress-nginx's auth-url. For each request it sends the server one
// with the same header, without the body. A reply with status 2xx lets the request pass; 401 and 403 are passed on; with
// any other, and without a reply, the answer is 500.
//
// Texts that are called templates may have variables, see variable.Template; $uri is encoded.
type External struct {
	// Upstream is the server, an upstream of the table. Without endpoints the answer is 500.
	Upstream string
	// Host is sent as Host; Path, a template, is the target, query included.
	Host, Path string
	// Method of the requests to the server; "" is GET.
	Method string
	// SetHeaders are sent to the server in the place of the client's.
	SetHeaders []Header
	// RequestRedirect, a template, is sent as X-Auth-Request-Redirect; "" is the target of the request.
	RequestRedirect string
	// ReplyHeaders are the names of fields of the server's reply that the endpoint gets, in the place of the client's.
	ReplyHeaders []string
	// SignIn, a template, is the URL that clients are redirected to with status 302 after a 401; "" is none.
	SignIn string
	// CacheKey, a template, is the key by which replies are kept for the times of Cache; "" keeps none.
	CacheKey string
	Cache    []CacheTime
	// AlwaysSetCookie sends cookies of the server also with errors; otherwise they are sent with replies of endpoints that
	// are none.
	AlwaysSetCookie bool
	// KeepConnections lets several requests use a connection to the server. Without it each has its own: one to the address
	// of a Service stays with the Pod that it was first led to, also if the address belongs to another Service by now, whose
	// answer would let requests in.
	KeepConnections bool
	// Connect and Response are time limits, as in policy.Timeouts.
	Connect, Response time.Duration
}

// Header is a field; its value is a template.
type Header struct{ Name, Value string }

// CacheTime is how long replies with a status are kept; a Status of 0 is any.
type CacheTime struct {
	Status int
	For    time.Duration
}

// Stage implements policy.Policy.
func (External) Stage() policy.Stage { return policy.Authorizing }

// Text implements route.Policy.
func (p External) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "external authentication %s host=%q path=%q", p.Upstream, p.Host, p.Path)
	for _, part := range []struct{ name, value string }{
		{"method", p.Method}, {"redirect", p.RequestRedirect}, {"sign-in", p.SignIn}, {"cache-key", p.CacheKey},
	} {
		if part.value != "" {
			fmt.Fprintf(&text, " %s=%q", part.name, part.value)
		}
	}
	for _, header := range p.SetHeaders {
		fmt.Fprintf(&text, " set %q=%q", header.Name, header.Value)
	}
	for _, name := range p.ReplyHeaders {
		fmt.Fprintf(&text, " take %q", name)
	}
	for _, kept := range p.Cache {
		fmt.Fprintf(&text, " keep %d=%s", kept.Status, kept.For)
	}
	if p.AlwaysSetCookie {
		text.WriteString(" cookies=always")
	}
	if p.KeepConnections {
		text.WriteString(" connections=kept")
	}
	fmt.Fprintf(&text, " connect=%s response=%s", p.Connect, p.Response)
	return text.String()
}

// Equal implements route.Policy.
func (p External) Equal(other route.Policy) bool {
	o, ok := other.(External)
	return ok && p.Text() == o.Text()
}

// Upstreams implements policy.UpstreamUser.
func (p External) Upstreams() []string { return []string{p.Upstream} }

// Bind implements policy.Binder.
func (p External) Bind(b *policy.Binding) (any, error) {
	compiled := &external{External: p, method: []byte("GET")}
	if p.Method != "" {
		compiled.method = []byte(p.Method)
	}
	for _, part := range []struct {
		into *variable.Template
		text string
	}{
		{&compiled.path, p.Path}, {&compiled.redirect, p.RequestRedirect}, {&compiled.signIn, p.SignIn},
		{&compiled.cacheKey, p.CacheKey},
	} {
		var err error
		if *part.into, err = variable.ParseURL(part.text); err != nil {
			return nil, fmt.Errorf("%q: %w", part.text, err)
		}
	}
	for _, header := range p.SetHeaders {
		value, err := variable.ParseURL(header.Value)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", header.Value, err)
		}
		compiled.values = append(compiled.values, value)
		compiled.replaced = append(compiled.replaced, strings.ToLower(header.Name))
	}
	for _, name := range p.ReplyHeaders {
		compiled.taken = append(compiled.taken, strings.ToLower(name))
	}
	if p.CacheKey != "" {
		compiled.cache = policy.BoundState(b, p.Text(), newVerdicts)
	}
	return compiled, nil
}

// external is a compiled External.
type external struct {
	External
	method                           []byte
	path, redirect, signIn, cacheKey variable.Template
	values                           []variable.Template // of SetHeaders
	replaced, taken                  []string            // names in lower case
	cache                            *verdicts           // nil keeps none
}

// Request is the hook.
func (p *external) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	found, err := p.verdict(r)
	if err != nil {
		return policy.Reply{Status: 500, Reason: "external authentication: " + err.Error()}, true
	}
	switch {
	case found.status >= 200 && found.status < 300:
		for _, name := range p.taken { // also those that the server has not sent: the client must not forge them
			r.Message.RemoveName(name)
		}
		r.RequestLines = append(r.RequestLines, found.lines...)
		r.SuccessLines = append(r.SuccessLines, found.cookies...)
		return policy.Reply{}, false
	case found.status == 401 && p.SignIn != "":
		r.ReplyLines = append(append(r.ReplyLines, found.challenges...), found.cookies...)
		r.AddReplyHeader("Location", string(p.signIn.AppendURL(nil, r)))
		return policy.Reply{Status: 302, Reason: "the client has to sign in"}, true
	case found.status == 401 || found.status == 403:
		r.ReplyLines = append(r.ReplyLines, found.challenges...)
		if p.AlwaysSetCookie {
			r.ReplyLines = append(r.ReplyLines, found.cookies...)
		}
		return policy.Reply{Status: found.status, Reason: "external authentication has refused the request"}, true
	}
	return policy.Reply{Status: 500, Reason: fmt.Sprintf("external authentication answered with status %d", found.status)}, true
}

// Reply is the hook. Cookies go with the statuses with which nginx's add_header adds a field.
func (p *external) Reply(r *policy.Request, reply *message.Response) {
	if len(r.SuccessLines) == 0 {
		return
	}
	if p.AlwaysSetCookie || reply != nil &&
		slices.Contains([]int{200, 201, 204, 206, 301, 302, 303, 304, 307, 308}, reply.Status) {
		r.ReplyLines = append(r.ReplyLines, r.SuccessLines...)
	}
	r.SuccessLines = r.SuccessLines[:0]
}
