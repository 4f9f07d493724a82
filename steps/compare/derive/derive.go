package derive

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Limits bound what is derived.
type Limits struct {
	// PerIngress is the number of requests for one Ingress; further ones are left out and counted. 0 means 400.
	PerIngress int
}

// Plan is what is sent.
type Plan struct {
	// Probes, each request once.
	Probes []Probe
	// Omitted counts the requests that the limits leave out, or that can't be sent as they are, by Ingress.
	Omitted map[string]int

	owned map[string][]owned // paths by host, in lower case
}

// Derive makes the requests for all Ingresses.
func Derive(e *estate.Estate, limits Limits) *Plan {
	b := &builder{
		limit: cmp.Or(limits.PerIngress, 400), secureHosts: secureHosts(e), rules: Rules(), settings: map[string]string{},
		index: map[string]int{}, plan: &Plan{Omitted: map[string]int{}, owned: map[string][]owned{}},
	}
	if e.Settings != nil {
		b.settings = e.Settings.Data
	}
	for _, ingress := range e.Ingresses {
		b.ingress(ingress)
	}
	if len(e.Ingresses) > 0 {
		b.unknownHost(e.Ingresses[0])
		b.messages(e)
	}
	return b.plan
}

type builder struct {
	limit       int
	secureHosts map[string]bool
	rules       []Rule
	settings    map[string]string // of the controller
	index       map[string]int    // of probes, by ID
	count       int               // of the current Ingress
	plan        *Plan
}

// secureHosts are the hosts of tls sections, in lower case.
func secureHosts(e *estate.Estate) map[string]bool {
	hosts := map[string]bool{}
	for _, ingress := range e.Ingresses {
		for _, tls := range ingress.Spec.TLS {
			for _, host := range tls.Hosts {
				hosts[strings.ToLower(host)] = true
			}
		}
	}
	return hosts
}

// add adds a probe, or its reason to the same one.
func (b *builder) add(probe Probe, reason Reason) {
	if b.count >= b.limit || !sendable(probe.Request) {
		b.plan.Omitted[reason.Ingress]++
		return
	}
	probe.ID = probe.id()
	if at, known := b.index[probe.ID]; known {
		if existing := &b.plan.Probes[at]; !slices.Contains(existing.Reasons, reason) {
			existing.Reasons = append(existing.Reasons, reason)
		}
		return
	}
	b.count++
	b.index[probe.ID] = len(b.plan.Probes)
	probe.Reasons = []Reason{reason}
	b.plan.Probes = append(b.plan.Probes, probe)
}

// sendable reports whether a request has no control characters, and its target no blanks, which would make another request of it: texts
// of annotations and hosts are part of it.
func sendable(request record.Request) bool {
	if strings.Contains(request.Target, " ") {
		return false
	}
	return !slices.ContainsFunc(append([]string{request.Host, request.Target}, request.Headers...), func(text string) bool {
		return strings.ContainsFunc(text, unicode.IsControl)
	})
}

func (b *builder) ingress(ingress *networkingv1.Ingress) {
	b.count = 0
	for _, rule := range ingress.Spec.Rules {
		var paths []networkingv1.HTTPIngressPath
		if rule.HTTP != nil {
			paths = rule.HTTP.Paths
		}
		if len(paths) == 0 { // the default backend serves the host
			kind := networkingv1.PathTypePrefix
			paths = []networkingv1.HTTPIngressPath{{Path: "/", PathType: &kind}}
		}
		for i, path := range paths {
			s := b.subject(ingress, rule.Host, path)
			b.own(s, path.PathType)
			b.paths(s)
			if i == 0 {
				b.hosts(s)
				b.defaults(s)
			}
			b.schemes(s)
			b.annotations(s)
		}
	}
	if ingress.Spec.DefaultBackend != nil {
		kind := networkingv1.PathTypePrefix
		host := ""
		if len(ingress.Spec.Rules) > 0 {
			host = ingress.Spec.Rules[0].Host
		}
		s := b.subject(ingress, host, networkingv1.HTTPIngressPath{Path: "/", PathType: &kind})
		b.add(s.open("/no-rule-for-this"), s.reason("default backend", "a path without a rule"))
		b.annotations(s)
	}
}

func (b *builder) paths(s *subject) {
	for _, variant := range pathVariants(s.path, s.sample, s.regex) {
		b.add(s.open(variant.target), s.reason("path", variant.name))
	}
}

func (b *builder) annotations(s *subject) {
	for _, rule := range b.rules {
		if _, given := estate.Annotation(s.ingress, rule.Annotation); !given || rule.derive == nil {
			continue
		}
		for _, variant := range rule.derive(s) {
			reason := s.reason(rule.Annotation, variant.name)
			reason.Protects = rule.Protects
			b.add(variant.probe, reason)
		}
	}
}

// schemes sends the path over both schemes: redirects to HTTPS, certificates and HSTS depend on them.
func (b *builder) schemes(s *subject) {
	plain := s.open(s.target()).secure(false)
	b.add(plain, s.reason("scheme", "http"))
	b.add(plain.to(s.target()+"?a=1&b=%2F"), s.reason("scheme", "http, with a query"))
	if s.sample != "/" {
		b.add(plain.to(strings.TrimSuffix(s.target(), "/")+"/"), s.reason("scheme", "http, with a slash at the end"))
	}
	b.add(plain.to(strings.TrimSuffix(s.target(), "/")+"/below"), s.reason("scheme", "http, below"))
	b.add(s.open(s.target()).secure(true), s.reason("scheme", "https"))
}

// defaultBodySize is the limit of ingress-nginx's bodies, in bytes, where neither an annotation nor the ConfigMap says another one.
const defaultBodySize = 1 << 20

// defaults sends requests that show what the controller does where no annotation says anything.
func (b *builder) defaults(s *subject) {
	if !s.given("proxy-body-size") {
		size := defaultBodySize
		if given, ok := bytesOf(b.settings["proxy-body-size"]); ok {
			size = given
		}
		if size > 0 && size <= maxBody {
			reason := s.reason("body", "a byte more than the default limit")
			reason.Protects = true
			b.add(s.open(s.target()).body(size+1), reason)
		}
	}
	b.add(s.open(s.asked(answerHeader("Server:stand-in"), answerHeader("X-Powered-By:stand-in"))), s.reason("answer", "the backend names its software"))
}

// unknownHost sends requests that no Ingress has a host for.
func (b *builder) unknownHost(first *networkingv1.Ingress) {
	b.count = 0
	s := b.subject(first, "", networkingv1.HTTPIngressPath{Path: "/"})
	probe := Probe{}.to("/").host(unknownHost)
	b.add(probe, s.reason("host", "a host of no Ingress, http"))
	b.add(probe.secure(true), s.reason("host", "a host of no Ingress, https"))
}

// hosts sends requests on both sides of the boundary of a rule's host.
func (b *builder) hosts(s *subject) {
	probe := s.open(s.target())
	add := func(host, name string) { b.add(probe.host(host), s.reason("host", name)) }
	base, isWildcard := strings.CutPrefix(s.host, "*.")
	switch {
	case s.host == "":
		add("any-host.invalid", "any host")
		nameless := s.open(s.target()).host("").secure(false)
		nameless.Request.Version = "HTTP/1.0"
		b.add(nameless, s.reason("host", "none"))
	case isWildcard:
		add("one."+base, "one label")
		add("two.one."+base, "two labels")
		add(base, "no label")
	default:
		add(s.host, asWritten)
		add("below."+s.host, "a label more")
	}
	if s.host != "" {
		add(strings.ToUpper(s.requestHost()), "upper case")
		add(s.requestHost()+":8443", "with a port")
	}
}

// target is the path that the rule certainly matches.
func (s *subject) target() string { return escaped(s.sample) }

// open is a request for a target that presents all that the Ingress's annotations require.
func (s *subject) open(target string) Probe {
	p := Probe{Limited: s.given("limit-rps") || s.given("limit-rpm")}.to(target).host(s.requestHost()).secure(s.https)
	for _, part := range s.required() {
		p = part.add(p)
	}
	return p
}

// requirement is something that a request has to present.
type requirement struct {
	annotation string
	add        func(Probe) Probe
}

// required lists what the annotations of the Ingress, and the controller's settings, require of requests.
func (s *subject) required() []requirement {
	var all []requirement
	if kind, _ := estate.Annotation(s.ingress, "auth-type"); kind != "" {
		all = append(all, requirement{"auth-type", func(p Probe) Probe {
			return p.header("Authorization: " + standin.BasicAuthorization(standin.Password))
		}})
	}
	if url, _ := estate.Annotation(s.ingress, "auth-url"); url != "" || s.settings["global-auth-url"] != "" {
		fields, _ := estate.Annotation(s.ingress, "auth-response-headers")
		fields = cmp.Or(fields, s.settings["global-auth-response-headers"])
		all = append(all, requirement{"auth-url", func(p Probe) Probe {
			p = p.header(standin.AuthHeader + ": 200")
			if fields != "" {
				p = p.header(standin.AuthFields + ": " + fields)
			}
			return p
		}})
	}
	if s.certificate != "" {
		all = append(all, requirement{"auth-tls-secret", func(p Probe) Probe { return p.certificate(s.certificate) }})
	}
	if s.given("whitelist-source-range") || s.given("allowlist-source-range") || s.settings["whitelist-source-range"] != "" {
		all = append(all, requirement{"whitelist-source-range", func(p Probe) Probe { return p.from(Allowed) }})
	}
	return all
}
