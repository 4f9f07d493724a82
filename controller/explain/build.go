package explain

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// explanation puts together what was traced, received and replied.
func (r *run) explanation(request Request) *Explanation {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.passed != nil {
		return r.passedThrough(request)
	}
	t := &r.traces[0]
	x := &Explanation{
		Method: request.Method, URL: request.URL.String(), Client: t.Client.String(), Host: hostName(t.Host),
		Certificate: r.certificate(t.Certificate), Server: newServer(t), Paths: newPaths(t), Policies: newPolicies(t),
		Answer: Answer{Status: r.reply.StatusCode, By: "controller", Reason: t.Reason, Header: fields(r.reply.Header)},
	}
	x.Sent, x.Calls = r.sortReceived(t)
	if t.Selection != nil {
		x.Backend = r.newBackend(t)
	}
	switch {
	case x.hasCall(ForErrorPage) && !strings.Contains(t.Reason, "error page: "): // it would be why there is none
		x.Answer.By = "error backend"
	case x.Sent != nil && t.Reason == "":
		x.Answer.By = "backend"
	}
	return x
}

// passedThrough is the explanation of a request on a connection that is forwarded as it is.
func (r *run) passedThrough(request Request) *Explanation {
	client := request.Client
	if !client.IsValid() {
		client = DefaultClient()
	}
	x := &Explanation{
		Method: request.Method, URL: request.URL.String(), Client: client.String(), Host: hostName(request.URL.Host),
		Server:      Server{Name: r.passed.Host, Match: "exact"},
		Passthrough: &Passthrough{Host: r.passed.Host, Service: r.passed.Service.String()},
		Answer:      Answer{Status: r.reply.StatusCode, By: "backend", Header: fields(r.reply.Header)},
	}
	if strings.HasPrefix(r.passed.Host, "*") {
		x.Server.Match = "wildcard"
	}
	for _, got := range r.received {
		sent := r.newSent(got)
		x.Sent = &sent
	}
	return x
}

func hostName(authority string) string {
	host := strings.ToLower(authority)
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return strings.TrimSuffix(host, ".")
}

func (r *run) certificate(c *trace.Certificate) *Certificate {
	if c == nil {
		return nil
	}
	made := &Certificate{ServerName: c.ServerName, Match: "exact"}
	switch {
	case c.Name == "":
		made.Match = "default"
	case strings.HasPrefix(c.Name, "*"):
		made.Match = "wildcard"
	}
	all := slices.Clone(r.state.Table.Certificates)
	if byDefault := r.state.Table.DefaultCertificate; byDefault != nil {
		all = append(all, *byDefault)
	}
	for _, one := range all {
		if block, _ := pem.Decode(one.ChainPEM); block != nil && bytes.Equal(block.Bytes, c.Leaf) {
			made.Secret = one.Origin
			break
		}
	}
	return made
}

func newServer(t *trace.Exchange) Server {
	switch {
	case !t.Server.Found:
		return Server{Match: "none"}
	case t.Server.Name == "":
		return Server{Match: "any"}
	case strings.HasPrefix(t.Server.Name, "*"):
		return Server{Name: t.Server.Name, Match: "wildcard"}
	}
	return Server{Name: t.Server.Name, Match: "exact"}
}

func newPaths(t *trace.Exchange) []Path {
	var all []Path
	selected := ""
	for _, candidate := range t.Candidates {
		if candidate.Verdict == trace.Selected {
			selected = candidate.Route.Match.Text()
		}
	}
	for _, candidate := range t.Candidates {
		path := Path{
			Match: candidate.Route.Match.Text(), Source: Source(candidate.Route.Source), Action: Action(candidate.Route),
			Matches: candidate.Verdict != trace.OtherPath,
		}
		switch candidate.Verdict {
		case trace.Selected:
			path.Selected = true
		case trace.LessSpecific:
			path.Reason = "matches, but " + selected + " is more specific"
		case trace.OtherCondition:
			path.Reason = "the path matches, its conditions don't"
		case trace.OtherPath:
			path.Reason = "doesn't match " + t.Path
		}
		all = append(all, path)
	}
	return all
}

// Source is "namespace/name" of what a route was made from; "" if that is nothing.
func Source(o route.ObjectRef) string {
	if o.Name == "" {
		return ""
	}
	return o.Namespace + "/" + o.Name
}

// Action names the Services of a route, or what it answers.
func Action(r *route.Route) string {
	forward, ok := r.Action.(route.Forward)
	if !ok {
		return r.Action.Text()
	}
	var names []string
	for _, backend := range forward.Backends {
		names = append(names, serviceName(backend))
	}
	if forward.Canary != nil {
		names = append(names, "canary "+serviceName(forward.Canary.Backend))
	}
	return strings.Join(names, ", ")
}

func serviceName(b route.Backend) string {
	if b.Deny != nil {
		return fmt.Sprintf("%s (%s)", b.Service, b.Deny.Text())
	}
	return b.Service.String()
}

func newPolicies(t *trace.Exchange) []Policy {
	var all []Policy
	answered := false
	for _, p := range t.Policies {
		made := Policy{Stage: p.Stage, Text: p.Text, Source: Source(t.Route.Source)}
		switch {
		case p.Event == nil && (p.SeesReplies || !p.SeesRequests && !answered):
			made.Did = "applies"
		case p.Event == nil:
			made.Did = "not reached"
		case p.Event.Status > 0:
			made.Status, answered = p.Event.Status, true
			made.Did = strings.Join(append([]string{fmt.Sprintf("answers %d", p.Event.Status)}, p.Event.Effects...), "; ")
			if p.Event.Reason != "" {
				made.Did += " (" + p.Event.Reason + ")"
			}
		case len(p.Event.Effects) == 0:
			made.Did = "passes"
		default:
			made.Did = strings.Join(p.Event.Effects, "; ")
		}
		all = append(all, made)
	}
	return all
}

func (r *run) newSent(got received) Sent {
	q := got.request
	header := q.Header.Clone()
	header.Set("Host", q.Host)
	return Sent{
		To: r.named(got.address.String()), Line: fmt.Sprintf("%s %s %s", q.Method, q.RequestURI, q.Proto), Header: fields(header), Body: got.body,
	}
}

func fields(header http.Header) []Field {
	var all []Field
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			all = append(all, Field{name, value})
		}
	}
	return all
}

// concerns reports whether an object is an Ingress of the server.
func (x *Explanation) concerns(namespace, name string) bool {
	return slices.ContainsFunc(x.Paths, func(p Path) bool { return p.Source == namespace+"/"+name })
}

// covers reports whether a rule's host is the request's.
func covers(rule, host string) bool {
	if suffix, wildcard := strings.CutPrefix(rule, "*"); wildcard {
		label, found := strings.CutSuffix(host, suffix)
		return found && label != "" && !strings.Contains(label, ".")
	}
	return rule == host || rule == ""
}
