package derive

import (
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare/sample"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

func addressRules() []Rule {
	const list = "the path from an address that is let in, from one that isn't, and from one that is kept out"
	var all []Rule
	for _, name := range []string{"whitelist-source-range", "allowlist-source-range", "denylist-source-range"} {
		all = append(all, Rule{name, true, list, addressVariants})
	}
	return append(all, Rule{"satisfy", true, "the path with all that is required, with one of it, and with nothing", satisfyVariants})
}

func limitRules() []Rule {
	const burst = "as many requests at once as the limit lets through, twice: whether some are refused"
	return []Rule{
		{"limit-connections", true, "nothing: requests are sent one after the other", nil},
		{"limit-rps", true, burst, burstVariants},
		{"limit-rpm", true, burst, burstVariants},
		{"limit-burst-multiplier", true, burst, burstVariants},
		{"limit-rate", false, ofTime, nil},
		{"limit-rate-after", false, ofTime, nil},
		{"limit-whitelist", true, burst, burstVariants},
		{"limit-allowlist", true, burst, burstVariants},
	}
}

func passwordRules() []Rule {
	const password = "the path with the right password, a wrong one, and none"
	var all []Rule
	for _, name := range []string{"auth-type", "auth-secret", "auth-secret-type", "auth-realm"} {
		all = append(all, Rule{name, true, password, passwordVariants})
	}
	return all
}

func externalRules() []Rule {
	const answers = "the path with an authentication server that answers 200, 401 and 403"
	const inside = "nothing: only the authentication server sees it"
	var all []Rule
	for _, name := range []string{"auth-url", "auth-signin", "auth-signin-redirect-param", "auth-response-headers", "auth-always-set-cookie", "enable-global-auth"} {
		all = append(all, Rule{name, true, answers, externalVariants})
	}
	for _, name := range []string{
		"auth-method", "auth-request-redirect", "auth-proxy-set-headers", "auth-cache-key", "auth-cache-duration", "auth-keepalive",
		"auth-keepalive-requests", "auth-keepalive-timeout", "auth-keepalive-share-vars", "auth-snippet",
	} {
		all = append(all, Rule{name, true, inside, nil})
	}
	return all
}

func clientCertificateRules() []Rule {
	const certificates = "the path with a certificate that is let in, with one of another name, one of another authority, and none"
	var all []Rule
	for _, name := range []string{
		"auth-tls-secret", "auth-tls-verify-client", "auth-tls-verify-depth", "auth-tls-error-page", "auth-tls-pass-certificate-to-upstream", "auth-tls-match-cn",
	} {
		all = append(all, Rule{name, true, certificates, certificateVariants})
	}
	return all
}

func addressVariants(s *subject) []variant {
	p := s.open(s.target())
	return []variant{
		{"from an address that is let in", p.from(Allowed)},
		{"from an address that is kept out", p.from(Denied)},
		{"from another address", p.from(Anywhere)},
	}
}

// satisfyVariants present all that is required, one of it, and nothing.
func satisfyVariants(s *subject) []variant {
	bare := Probe{}.to(s.target()).host(s.requestHost()).secure(s.https)
	all := []variant{{"with all that is required", s.open(s.target())}, {"with nothing that is required", bare}}
	for _, part := range s.required() {
		all = append(all, variant{"with " + part.annotation + " alone", part.add(bare)})
	}
	return all
}

const (
	// defaultBurst is how many times the rate ingress-nginx lets through at once.
	defaultBurst = 5
	// maxBurst bounds the requests of a burst.
	maxBurst = 600
)

// burstVariants send twice as many requests as the limit lets through at once.
func burstVariants(s *subject) []variant {
	rate := number(s.value("limit-rps"), 0)
	if perMinute := number(s.value("limit-rpm"), 0); rate == 0 || perMinute > 0 && perMinute < rate {
		rate = perMinute
	}
	atOnce := rate*max(1, number(s.value("limit-burst-multiplier"), defaultBurst)) + 1
	if rate <= 0 || 2*atOnce > maxBurst {
		return nil
	}
	count := min(4*atOnce, maxBurst) // others are let through while they are sent
	return []variant{{strconv.Itoa(count) + " requests at once", s.open(s.target()).repeated(count, Burst)}}
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < 1<<20 {
		return n
	}
	return otherwise
}

func passwordVariants(s *subject) []variant {
	p := s.open(s.target())
	return []variant{
		{"with the password", p},
		{"without a password", p.without("Authorization")},
		{"with a wrong password", p.header("Authorization: " + standin.BasicAuthorization("wrong"))},
		{"with a malformed password", p.header("Authorization: Basic ???")},
	}
}

func externalVariants(s *subject) []variant {
	p := s.open(s.target())
	return []variant{
		{"the authentication server answers 200", p},
		{"the authentication server answers 401", p.without(standin.AuthHeader)},
		{"the authentication server answers 401, with a query", p.without(standin.AuthHeader).to(s.target() + "?a=1&b=%2F")},
		{"the authentication server answers 403", p.header(standin.AuthHeader + ": 403")},
	}
}

// strangerSecret is a Secret that no Ingress names: its authority signs certificates that are to be refused.
const strangerSecret = "testbed/another-authority"

func certificateVariants(s *subject) []variant {
	if s.certificate == "" {
		return nil
	}
	p := s.open(s.target()).secure(true)
	secret := s.certificate[strings.LastIndexByte(s.certificate, ' ')+1:]
	all := []variant{
		{"with a certificate", p},
		{"without a certificate", p.certificate("")},
		{"with a certificate of another authority", p.certificate(standin.ClientCertificate("client", strangerSecret))},
		{"over http", p.secure(false)},
	}
	if pattern := s.value("auth-tls-match-cn"); pattern != "" {
		if _, ok := sample.Match(pattern); ok {
			all = append(all, variant{"with a certificate of another name", p.certificate(standin.ClientCertificate("0-other-name", secret))})
		}
	}
	return all
}

func passthroughVariants(s *subject) []variant {
	return []variant{{"over https", s.open(s.target()).secure(true)}}
}

func attackVariants(s *subject) []variant {
	return []variant{
		{"SQL in the query", s.open(s.target() + "?id=1%27%20OR%20%271%27=%271")},
		{"a script in the query", s.open(s.target() + "?q=%3Cscript%3Ealert(1)%3C/script%3E")},
	}
}
