package explain

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/trace"
)

// Explanation is the answer to a request, and how it came about.
type Explanation struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// Client is the address that the controller takes for the client's.
	Client string `json:"client"`
	// Host is the one that servers were compared with.
	Host string `json:"host"`
	// Mode is that of the controller.
	Mode string `json:"mode"`
	// Certificate is nil in plain text.
	Certificate *Certificate `json:"certificate,omitempty"`
	Server      Server       `json:"server"`
	// Paths are all of the server, most specific first.
	Paths    []Path   `json:"paths,omitempty"`
	Policies []Policy `json:"policies,omitempty"`
	// Calls are the requests to external authentication servers.
	Calls []Sent `json:"calls,omitempty"`
	// Backend is nil if none was selected.
	Backend *Backend `json:"backend,omitempty"`
	// Sent is what the backend got; nil if it got nothing.
	Sent   *Sent  `json:"sent,omitempty"`
	Answer Answer `json:"answer"`
	// Notes are sentences about objects that are not served as they are written.
	Notes []string `json:"notes,omitempty"`
	Other *Other   `json:"other,omitempty"`
}

// Certificate is the one that was served.
type Certificate struct {
	// Secret is "namespace/name"; "" is the self-made one.
	Secret     string `json:"secret,omitempty"`
	ServerName string `json:"serverName"`
	// Match is "exact", "wildcard" or "default".
	Match string `json:"match"`
}

// Server is a virtual host.
type Server struct {
	// Name is that of the rules; "" stands for rules without a host.
	Name string `json:"name"`
	// Match is "exact", "wildcard", "any" or "none".
	Match string `json:"match"`
}

// Path is a path of the server.
type Path struct {
	// Match is the kind, the path and conditions: "prefix /cart".
	Match string `json:"match"`
	// Source is the Ingress, as "namespace/name"; "" for the controller's default backend.
	Source string `json:"source,omitempty"`
	// Action is what the path does.
	Action string `json:"action"`
	// Selected is whether it serves the request, and Reason why it doesn't.
	Selected bool   `json:"selected,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Matches is whether the path itself matches.
	Matches bool `json:"matches,omitempty"`
}

// Policy is a policy of the selected path.
type Policy struct {
	Stage  string `json:"stage"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"`
	// Did says what it has done with the request.
	Did string `json:"did"`
	// Status of its answer; 0 if it let the request pass.
	Status int `json:"status,omitempty"`
}

// Backend is what was selected.
type Backend struct {
	Service  string `json:"service"`
	Source   string `json:"source,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	// Canary is whether it is the path's canary.
	Canary bool `json:"canary,omitempty"`
	// By is the rule that has selected it.
	By string `json:"by"`
	// Odds are the shares of all backends for requests like this one.
	Odds []string `json:"odds"`
	// Endpoints is how many there are, and Balancing how one of them is selected.
	Endpoints int    `json:"endpoints"`
	Balancing string `json:"balancing,omitempty"`
}

// Sent is a request to an endpoint.
type Sent struct {
	To string `json:"to"`
	// Line is the request line.
	Line   string  `json:"line"`
	Header []Field `json:"header"`
	Body   int64   `json:"body,omitempty"` // bytes
}

// Answer is what the client gets.
type Answer struct {
	Status int `json:"status"`
	// By is "backend" or "controller".
	By string `json:"by"`
	// Reason is why the controller has answered itself.
	Reason string  `json:"reason,omitempty"`
	Header []Field `json:"header"`
}

// Class is the first digit of the status.
func (a Answer) Class() int { return a.Status / 100 }

// Other is what the other mode does.
type Other struct {
	Mode string `json:"mode"`
	// Differences are phrases; none if the answer is the same.
	Differences []string `json:"differences"`
}

// explanation puts together what was traced, received and replied.
func (r *run) explanation(request Request) *Explanation {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.traces[0]
	x := &Explanation{
		Method: request.Method, URL: request.URL.String(), Client: t.Client.String(), Host: hostName(t.Host),
		Certificate: r.certificate(t.Certificate), Server: newServer(t), Paths: newPaths(t), Policies: newPolicies(t),
		Answer: Answer{Status: r.reply.StatusCode, By: "controller", Reason: t.Reason, Header: fields(r.reply.Header)},
	}
	calls := r.received
	if t.Selection != nil {
		x.Backend = r.newBackend(t)
		if own := len(calls) - 1; own >= 0 && t.Attempts > 0 && calls[own].address.String() == t.Selection.Endpoint {
			sent := r.newSent(calls[own])
			x.Sent, calls = &sent, calls[:own]
			if t.Reason == "" {
				x.Answer.By = "backend"
			}
		}
	}
	for _, call := range calls {
		x.Calls = append(x.Calls, r.newSent(call))
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

func (r *run) newBackend(t *trace.Exchange) *Backend {
	s := t.Selection
	b := &Backend{
		Service: serviceName(s.Backend), Source: Source(t.Route.Source), Endpoint: r.endpoint(s), Protocol: s.Protocol,
		Canary: s.Canary, By: s.By.String(), Odds: odds(t), Endpoints: len(s.Endpoints),
	}
	if forward, ok := t.Route.Action.(route.Forward); ok && s.Canary {
		b.Source = Source(forward.Canary.Source)
	}
	switch {
	case len(s.Endpoints) == 0:
	case s.By == trace.BySession:
		b.Balancing = "the session's"
	case slices.ContainsFunc(t.Policies, func(p trace.Policy) bool { return strings.HasPrefix(p.Text, "hash by ") }):
		b.Balancing = "by hash"
	default:
		b.Balancing = "round robin"
	}
	return b
}

func (r *run) endpoint(s *trace.Selection) string {
	if s.Endpoint == "" {
		return ""
	}
	for _, endpoint := range s.Endpoints {
		if endpoint.Address.String() == s.Endpoint && endpoint.Pod != "" {
			return s.Endpoint + " (Pod " + endpoint.Pod + ")"
		}
	}
	return r.named(s.Endpoint)
}

// named adds what an address stands for.
func (r *run) named(address string) string {
	if parsed, err := netip.ParseAddrPort(address); err == nil && r.options.Names != nil {
		if name := r.options.Names(parsed.Addr()); name != "" {
			return fmt.Sprintf("%s (%s)", address, name)
		}
	}
	return address
}

// odds are the shares of a route's backends for requests like this one.
func odds(t *trace.Exchange) []string {
	forward, ok := t.Route.Action.(route.Forward)
	if !ok {
		return nil
	}
	s := t.Selection
	if s.By == trace.BySession || s.Canary && s.By != trace.ByCanaryWeight {
		return []string{"all: " + serviceName(s.Backend)}
	}
	canaryShare := 0.0
	if c := forward.Canary; c != nil && s.By == trace.ByCanaryWeight {
		canaryShare = min(float64(c.Weight)/float64(c.Total()), 1)
	}
	sum := 0
	for _, backend := range forward.Backends {
		sum += backend.Weight
	}
	var all []string
	add := func(share float64, backend route.Backend) {
		switch {
		case share == 1:
			all = append(all, "all: "+serviceName(backend))
		case share > 0:
			all = append(all, fmt.Sprintf("%.4g %%: %s", 100*share, serviceName(backend)))
		}
	}
	for _, backend := range forward.Backends {
		if sum > 0 {
			add((1-canaryShare)*float64(backend.Weight)/float64(sum), backend)
		}
	}
	if canaryShare > 0 {
		add(canaryShare, forward.Canary.Backend)
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
