package derive

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

// message is a request that shows how a controller reads and writes messages.
type message struct {
	name string
	// make returns the request, made from that for the path.
	make func(s *subject, p Probe) Probe
}

// largeField is the length of a field above the limit of ingress-nginx, 8 KiB.
const largeField = 10 << 10

func messages() []message {
	answer := func(lines ...string) func(*subject, Probe) Probe {
		return func(s *subject, p Probe) Probe {
			var query []string
			for _, line := range lines {
				query = append(query, answerHeader(line))
			}
			return p.to(s.asked(query...))
		}
	}
	return []message{
		{"a method in lower case", func(_ *subject, p Probe) Probe { return p.method("get") }},
		{"the method TRACE", func(_ *subject, p Probe) Probe { return p.method("TRACE") }},
		{"a URL as the target, and another Host", func(s *subject, p Probe) Probe {
			return p.to("http://" + s.requestHost() + s.target()).host(unknownHost)
		}},
		{"a port that isn't a number", func(_ *subject, p Probe) Probe { return p.host(p.Request.Host + ":http") }},
		{"a field of 10 KiB", func(_ *subject, p Probe) Probe { return p.header("X-Large: " + strings.Repeat("x", largeField)) }},
		{"Upgrade without Connection", func(_ *subject, p Probe) Probe { return p.header("Upgrade: testbed/1") }},
		{"the backend answers with a field of 6 KiB", answer("X-Large:" + strings.Repeat("x", largeAnswer))},
		{"the backend nominates a field for removal", answer("Connection:X-Nominated", "X-Nominated:1")},
		{"the backend names another path to nginx", func(s *subject, p Probe) Probe {
			return answer("X-Accel-Redirect:"+strings.TrimSuffix(s.target(), "/")+"/elsewhere")(s, p)
		}},
	}
}

func messageNames() []string {
	var names []string
	for _, m := range messages() {
		names = append(names, m.name)
	}
	return names
}

// forwarded are requests as another proxy in front of the controller sends them.
func forwarded() []message {
	with := func(lines ...string) func(*subject, Probe) Probe {
		return func(_ *subject, p Probe) Probe {
			for _, line := range lines {
				p = p.header(line)
			}
			return p
		}
	}
	return []message{
		{"X-Forwarded-Proto", with("X-Forwarded-Proto: https")},
		{"X-Forwarded-For", with("X-Forwarded-For: 198.51.100.7")},
		{"X-Forwarded-Host and -Port", with("X-Forwarded-Host: outside.invalid", "X-Forwarded-Port: 8443")},
	}
}

// ruleMessage is the rule of Reasons for requests that show how messages are read and written.
const ruleMessage = "message"

// Topic is what tells findings about the request from others that show the same; "" if nothing does.
func (p *Probe) Topic() string {
	if reason := p.Reasons[0]; reason.Rule == ruleMessage {
		return reason.String()
	}
	return ""
}

// messages sends to one Ingress what is the same for all.
func (b *builder) messages(e *estate.Estate) {
	s := b.plainest(e)
	if s == nil {
		return
	}
	b.count = 0
	p := s.open(s.target())
	for _, m := range messages() {
		b.add(m.make(s, p), s.reason(ruleMessage, m.name))
	}
	if b.settings["use-forwarded-headers"] == "true" {
		for _, m := range forwarded() {
			b.add(m.make(s, p), s.reason("use-forwarded-headers", m.name))
		}
	}
}

// plainest is the first path of the Ingress that changes requests the least; nil if none is fit. Hosts with a canary aren't, because
// their answers are drawn.
func (b *builder) plainest(e *estate.Estate) *subject {
	drawn := map[string]bool{}
	for _, ingress := range e.Ingresses {
		for _, rule := range ingress.Spec.Rules {
			drawn[rule.Host] = drawn[rule.Host] || isCanary(ingress)
		}
	}
	var best *subject
	for _, ingress := range e.Ingresses {
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 || rule.Host == "" || strings.HasPrefix(rule.Host, "*") || drawn[rule.Host] {
				continue
			}
			s := b.subject(ingress, rule.Host, rule.HTTP.Paths[0])
			if !s.regex && (best == nil || s.changes() < best.changes()) {
				best = s
			}
		}
	}
	return best
}

// changes counts what may change requests: the annotations of ingress-nginx, and before all else a tls section, which may redirect.
func (s *subject) changes() int {
	count := 0
	for name := range s.ingress.Annotations {
		if strings.HasPrefix(name, estate.Prefix) {
			count++
		}
	}
	if s.https || len(s.ingress.Spec.TLS) > 0 {
		count += 1000
	}
	return count
}

func isCanary(ingress *networkingv1.Ingress) bool {
	canary, _ := estate.Annotation(ingress, "canary")
	return canary == "true"
}
