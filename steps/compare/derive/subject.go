package derive

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/sample"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

// subject is one path of an Ingress.
type subject struct {
	ingress *networkingv1.Ingress
	// host and path as the rule has them.
	host, path string
	// sample is a path that the rule matches, not escaped.
	sample string
	// regex is whether the path is a regular expression.
	regex bool
	// https is whether requests are sent over TLS unless a case says otherwise.
	https bool
	// certificate is the name of the client certificate that is required; "" if none is.
	certificate string
	settings    map[string]string
}

func (b *builder) subject(ingress *networkingv1.Ingress, host string, path networkingv1.HTTPIngressPath) *subject {
	s := &subject{ingress: ingress, host: host, path: path.Path, sample: path.Path, settings: b.settings}
	if s.path == "" {
		s.path, s.sample = "/", "/"
	}
	rewrites := s.given("rewrite-target")
	isExact := path.PathType != nil && *path.PathType == networkingv1.PathTypeExact
	if (s.is("use-regex") || rewrites) && (!isExact || strings.ContainsAny(s.path, `(*[\`)) {
		s.regex = true
		if found, ok := sample.Match(s.path); ok && strings.HasPrefix(found, "/") {
			s.sample = found
		}
	}
	lower := strings.ToLower(host)
	_, parent, _ := strings.Cut(lower, ".")
	s.https = b.secureHosts[lower] || parent != "" && b.secureHosts["*."+parent] || s.is("force-ssl-redirect")
	s.certificate = s.requiredCertificate()
	s.https = s.https || s.certificate != ""
	return s
}

// requiredCertificate is the name of a client certificate that the Ingress accepts; "" if it requires none.
func (s *subject) requiredCertificate() string {
	text, _ := estate.Annotation(s.ingress, "auth-tls-secret")
	secret, ok := estate.SecretName(text, s.ingress.Namespace)
	if !ok {
		return ""
	}
	commonName := "client"
	if pattern, _ := estate.Annotation(s.ingress, "auth-tls-match-cn"); pattern != "" {
		if found, ok := sample.Match(strings.TrimPrefix(strings.TrimPrefix(pattern, "^"), "CN=")); ok && found != "" {
			commonName = found
		}
	}
	return standin.ClientCertificate(commonName, secret.String())
}

// requestHost is a host that the rule matches.
func (s *subject) requestHost() string {
	if s.host == "" {
		return "any-host.invalid"
	}
	if base, ok := strings.CutPrefix(s.host, "*."); ok {
		return "one." + base
	}
	return s.host
}

func (s *subject) reason(rule, name string) Reason {
	return Reason{Ingress: estate.Key(s.ingress).String(), Host: s.host, Path: s.path, Rule: rule, Case: name}
}

func (s *subject) value(annotation string) string {
	value, _ := estate.Annotation(s.ingress, annotation)
	return value
}

func (s *subject) given(annotation string) bool { return s.value(annotation) != "" }

func (s *subject) is(annotation string) bool { return s.value(annotation) == "true" }
