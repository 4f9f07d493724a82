package derive

// Rule is what is derived from an annotation of ingress-nginx.
type Rule struct {
	// Annotation without its prefix.
	Annotation string
	// Protects is whether it restricts access.
	Protects bool
	// Requests describes what is sent or, if nothing is, why not.
	Requests string
	// derive is nil if nothing more is sent than the requests of the path.
	derive func(*subject) []variant
}

// Sends reports whether requests are derived from the annotation.
func (r Rule) Sends() bool { return r.derive != nil }

// variant is one case of a rule.
type variant struct {
	name  string
	probe Probe
}

// Reasons of annotations from which nothing is derived.
const (
	shownByPaths = "the requests of the path show it"
	notSeen      = "nothing: neither the answer nor what the backend receives shows it"
	ofTime       = "nothing: it takes too long to show"
	ofFailures   = "nothing: stand-ins don't fail in the ways that it is about"
)

// Rules returns the rules of all annotations of ingress-nginx, in the order of docs/annotations.md.
func Rules() []Rule {
	var all []Rule
	for _, group := range [][]Rule{
		redirectRules(), rewriteRules(), hostRules(), corsRules(), headerRules(), canaryRules(), affinityRules(), backendRules(), timeRules(),
		sizeRules(), errorRules(), addressRules(), limitRules(), passwordRules(), externalRules(), clientCertificateRules(), otherRules(),
	} {
		all = append(all, group...)
	}
	return all
}

func protecting(rules ...Rule) []Rule {
	for i := range rules {
		rules[i].Protects = true
	}
	return rules
}

func redirectRules() []Rule {
	const slash = "the path with a slash at the end and a query, over http"
	const everything = "the path and one below it, with a query"
	return []Rule{
		{"ssl-redirect", false, slash, plainVariants},
		{"force-ssl-redirect", false, slash, plainVariants},
		{"preserve-trailing-slash", false, slash, plainVariants},
		{"app-root", false, "/ with and without a query", func(s *subject) []variant {
			return []variant{{"/", s.open("/")}, {"/ with a query", s.open("/?a=1")}}
		}},
		{"permanent-redirect", false, everything, belowVariants},
		{"permanent-redirect-code", false, everything, belowVariants},
		{"temporal-redirect", false, everything, belowVariants},
		{"temporal-redirect-code", false, everything, belowVariants},
		{"from-to-www-redirect", false, "the path at the host with or without www., over http and https", wwwVariants},
		{"relative-redirects", false, slash, plainVariants},
		{"use-port-in-redirects", false, slash, plainVariants},
	}
}

func rewriteRules() []Rule {
	const groups = "a path that fills the groups of the expression, one that goes further, and one that a negative lookahead excludes"
	return []Rule{
		{"rewrite-target", false, groups, rewriteVariants},
		{"use-regex", false, groups, rewriteVariants},
		{"x-forwarded-prefix", false, groups, rewriteVariants},
		{"enable-rewrite-log", false, notSeen, nil},
	}
}

func hostRules() []Rule {
	return []Rule{
		{"server-alias", false, "the path at each alias, over http and https", aliasVariants},
		{"upstream-vhost", false, shownByPaths + ": the Host that the backend receives", thePath},
	}
}

func corsRules() []Rule {
	const preflight = "a preflight request and a GET, each from the origins allowed, from another one, and without one"
	var all []Rule
	for _, name := range []string{
		"enable-cors", "cors-allow-origin", "cors-allow-methods", "cors-allow-headers", "cors-allow-credentials", "cors-expose-headers", "cors-max-age",
	} {
		all = append(all, Rule{name, false, preflight, corsVariants})
	}
	return all
}

func headerRules() []Rule {
	const cookie = "a request that the backend answers with cookies of several paths and domains"
	const location = "a request that the backend answers with a redirect"
	return []Rule{
		{"custom-headers", false, shownByPaths, thePath},
		{"connection-proxy-header", false, shownByPaths, thePath},
		{"proxy-cookie-path", false, cookie, cookieVariants},
		{"proxy-cookie-domain", false, cookie, cookieVariants},
		{"proxy-redirect-from", false, location, locationVariants},
		{"proxy-redirect-to", false, location, locationVariants},
		{"http2-push-preload", false, notSeen, nil},
	}
}

func canaryRules() []Rule {
	const header = "the field with always, never, another value, and the values of the rules"
	return []Rule{
		{"canary", false, "the path without anything that selects the canary, 300 to 2,000 times", shareVariants},
		{"canary-by-header", false, header, canaryHeaderVariants},
		{"canary-by-header-value", false, header, canaryHeaderVariants},
		{"canary-by-header-pattern", false, header, canaryHeaderVariants},
		{"canary-by-cookie", false, "the cookie with always, never and another value", canaryCookieVariants},
		{"canary-weight", false, "the path 300 to 2,000 times: shares are compared", shareVariants},
		{"canary-weight-total", false, "the path 300 to 2,000 times: shares are compared", shareVariants},
	}
}

func affinityRules() []Rule {
	const session = "the path 12 times: with the cookies that were set, and without any"
	var all []Rule
	for _, name := range []string{
		"affinity", "affinity-mode", "affinity-canary-behavior", "session-cookie-name", "session-cookie-path", "session-cookie-domain",
		"session-cookie-max-age", "session-cookie-expires", "session-cookie-samesite", "session-cookie-conditional-samesite-none",
		"session-cookie-secure",
	} {
		all = append(all, Rule{name, false, session, sessionVariants})
	}
	return append(all, Rule{"session-cookie-change-on-failure", false, ofFailures, nil})
}

func backendRules() []Rule {
	const same = "the path 12 times: whether the same Pod answers"
	const subset = "nothing: stand-ins have two Pods, fewer than a subset"
	const passed = shownByPaths + ": whether the backend answers, and what it receives"
	return []Rule{
		{"load-balance", false, "nothing: which Pod answers is left to the controller", nil},
		{"upstream-hash-by", false, same, hashVariants},
		{"upstream-hash-by-subset", false, subset, nil},
		{"upstream-hash-by-subset-size", false, subset, nil},
		{"service-upstream", false, passed, thePath},
		{"backend-protocol", false, passed, thePath},
		{"fastcgi-index", false, "nothing: stand-ins speak HTTP", nil},
		{"fastcgi-params-configmap", false, "nothing: stand-ins speak HTTP", nil},
		{"proxy-http-version", false, shownByPaths + ": the version that the backend receives", thePath},
		{"proxy-ssl-secret", false, passed, thePath},
		{"proxy-ssl-name", false, passed, thePath},
		{"proxy-ssl-server-name", false, passed, thePath},
		{"proxy-ssl-verify", false, passed, thePath},
		{"proxy-ssl-verify-depth", false, passed, thePath},
		{"proxy-ssl-ciphers", true, notSeen, nil},
		{"proxy-ssl-protocols", true, notSeen, nil},
	}
}

func timeRules() []Rule {
	return []Rule{
		{"proxy-connect-timeout", false, ofFailures, nil},
		{"proxy-read-timeout", false, "a request that the backend answers a second after the time, if that is at most 3 s", readTimeoutVariants},
		{"proxy-send-timeout", false, ofFailures, nil},
		{"proxy-next-upstream", false, ofFailures, nil},
		{"proxy-next-upstream-timeout", false, ofFailures, nil},
		{"proxy-next-upstream-tries", false, ofFailures, nil},
	}
}

func sizeRules() []Rule {
	return []Rule{
		{"proxy-body-size", true, "bodies of the size and of a byte more, up to 8 MiB; of 2 MiB where there is no limit", bodyVariants},
		{"client-body-buffer-size", false, notSeen, nil},
		{"proxy-buffering", false, notSeen, nil},
		{"proxy-buffer-size", false, "a request that the backend answers with a header of 6 KiB", bufferVariants},
		{"proxy-buffers-number", false, notSeen, nil},
		{"proxy-busy-buffers-size", false, notSeen, nil},
		{"proxy-max-temp-file-size", false, notSeen, nil},
		{"proxy-request-buffering", false, notSeen, nil},
	}
}

func errorRules() []Rule {
	const codes = "requests that the backend answers with the first three of the codes, and with one that isn't listed"
	return []Rule{
		{"custom-http-errors", false, codes, errorVariants},
		{"default-backend", false, codes, errorVariants},
		{"disable-proxy-intercept-errors", false, codes, errorVariants},
		{"mirror-target", false, notSeen, nil},
		{"mirror-request-body", false, notSeen, nil},
		{"mirror-host", false, notSeen, nil},
	}
}

func otherRules() []Rule {
	const attack = "a request with text that the core rules take for an attack"
	const trace = "nothing: traces go elsewhere"
	const snippet = shownByPaths + ", as far as the snippet is about all requests"
	return append([]Rule{
		{"ssl-passthrough", true, "the path over https: which certificate is served", passthroughVariants},
		{"ssl-ciphers", true, "nothing: clients offer all that is secure", nil},
		{"ssl-prefer-server-ciphers", false, "nothing: clients offer all that is secure", nil},
		{"enable-access-log", false, notSeen, nil},
		{"enable-opentelemetry", false, trace, nil},
		{"opentelemetry-trust-incoming-span", false, trace, nil},
		{"opentelemetry-operation-name", false, trace, nil},
	}, protecting([]Rule{
		{"enable-modsecurity", true, attack, attackVariants},
		{"enable-owasp-core-rules", true, attack, attackVariants},
		{"modsecurity-snippet", true, attack, attackVariants},
		{"modsecurity-transaction-id", true, notSeen, nil},
		{"configuration-snippet", true, snippet, thePath},
		{"server-snippet", true, snippet, thePath},
		{"stream-snippet", true, snippet, nil},
	}...)...)
}
