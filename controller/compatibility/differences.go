package compatibility

import "slices"

// Difference names one difference.
type Difference string

// The differences, in the order of the document.
const (
	CanaryByService       Difference = "canary-by-service"
	TLSSectionForHosts    Difference = "tls-section-for-all-hosts"
	RegexForHosts         Difference = "regular-expressions-for-all-paths"
	StrictPaths           Difference = "strict-paths"
	SlashRedirect         Difference = "slash-redirect"
	RawPaths              Difference = "raw-paths"
	CutSlash              Difference = "cut-slash"
	WWWPort               Difference = "www-port"
	LenientValues         Difference = "lenient-values"
	CanaryTotal           Difference = "canary-total"
	SessionStays          Difference = "session-stays"
	InsecureNone          Difference = "insecure-none"
	CookieOfRegex         Difference = "cookie-of-regex"
	AffinityByService     Difference = "affinity-by-service"
	ForwardedFromAll      Difference = "forwarded-from-all"
	HSTSGaps              Difference = "hsts-gaps"
	DefaultBackendOfHosts Difference = "default-backend-of-hosts"
	DuplicatePaths        Difference = "duplicate-paths"
	RedirectToUnnamed     Difference = "redirect-to-unnamed"
	NoErrorBackend        Difference = "no-error-backend"
	OldRequests           Difference = "old-requests"
	HostField             Difference = "host-field"
	LooseHosts            Difference = "loose-hosts"
	RequestLines          Difference = "request-lines"
	HeaderLimits          Difference = "header-limits"
	ReplyHeaderSize       Difference = "reply-header-size"
	NoAllow               Difference = "no-allow"
	LoneUpgrade           Difference = "lone-upgrade"
	NominatedFields       Difference = "nominated-fields"
	Accel                 Difference = "x-accel"
	PlainErrors           Difference = "plain-errors"
	BackendTLSNeedsSecret Difference = "backend-tls-needs-secret"
	ForwardedPort         Difference = "forwarded-port"
	ClassField            Difference = "class-field"
)

// Row is what a Difference is.
type Row struct {
	Difference Difference
	// Theirs is what ingress-nginx does, Ours what this controller does by default, and Why the reason.
	Theirs, Ours, Why string
	// Unrecorded says why the record of ingress-nginx has no check that shows the difference; "" if it has one (recorded.yaml).
	Unrecorded string
	// Test is a case in controller/translate/testdata, which is translated in both modes, or "package: TestName".
	Test string
}

// Rows are all differences.
func Rows() []Row { return slices.Concat(routingRows(), messageRows()) }

// routingRows are the differences of rules, settings and policies.
func routingRows() []Row {
	return []Row{
		{
			CanaryByService,
			"A canary gets requests for every host and path whose main Service is that of the path it names.",
			"A canary gets requests for the hosts and paths that it names.",
			"Another host that happens to have the same Service is not part of the roll-out.",
			"",
			"difference-canary-by-service",
		},
		{
			TLSSectionForHosts,
			"A tls section redirects all hosts of its Ingress to HTTPS, where those that it doesn't list have the default certificate.",
			"Hosts are redirected that a tls section lists, or that its certificate names.",
			"Clients reject the default certificate, so that the other hosts can't be reached any more.",
			"",
			"difference-tls-section-for-all-hosts",
		},
		{
			RegexForHosts,
			"One Ingress with use-regex or rewrite-target turns all paths of its hosts, also those of other Ingresses and of type Exact, into regular expressions that match beginnings and ignore case.",
			"Only paths of that Ingress are regular expressions: those of type ImplementationSpecific, and others with characters such as ( or *.",
			"Paths of other Ingresses should not match more than their authors wrote.",
			"",
			"difference-regular-expressions-for-all-paths",
		},
		{
			StrictPaths,
			"Paths of type Exact and Prefix with other characters than letters, digits and -._~/ are refused.",
			"They are compared as they are written.",
			"The Ingress API allows them, percent-encoded characters in particular.",
			"",
			"difference-strict-paths",
		},
		{
			SlashRedirect,
			"A rule whose path ends in a slash answers the path without it with a redirect (301), also one of type Exact.",
			"A rule of type Prefix serves the path without the slash, too, and one of type Exact doesn't.",
			"The Ingress API compares prefixes element by element.",
			"",
			"difference-slash-redirect",
		},
		{
			RawPaths,
			"Backends get the path as the client has sent it, dot segments included.",
			"Backends get the path without dot segments, and with percent-encoding normalised; encoded slashes stay encoded.",
			"A backend that resolves dot segments in another way than the controller would serve what its rules don't let through.",
			"",
			"difference-slash-redirect",
		},
		{
			CutSlash,
			"The redirect to HTTPS cuts off one slash at the end of the URL, unless preserve-trailing-slash says otherwise.",
			"The redirect to HTTPS keeps the slash, unless preserve-trailing-slash is false.",
			"Applications that add the slash send clients back, over and over.",
			"",
			"difference-tls-section-for-all-hosts",
		},
		{
			WWWPort,
			"The redirect of from-to-www-redirect names the port even if it is the scheme's own, and cuts off a slash at the end.",
			"The redirect leads to the same URL of the other host.",
			"Clients take https://example.com:443 for another site than https://example.com where they compare texts.",
			"",
			"difference-www-port",
		},
		{
			LenientValues,
			"The webhook accepts annotations with wrong values, but for a few, and the defaults apply.",
			"The webhook refuses them.",
			"A typing error should be reported, and not change what an Ingress does.",
			"",
			"controller/admission: TestLenientValues",
		},
		{
			CanaryTotal,
			"canary-weight-total counts only above 100.",
			"canary-weight-total always counts.",
			"A weight of 25 of 50 is one half.",
			"No recorded case has a total below 100. It is in the source, rootfs/etc/nginx/lua/balancer.lua.",
			"controller/config: TestDifferences",
		},
		{
			SessionStays,
			"A session whose endpoint fails stays there, and its client gets errors, unless session-cookie-change-on-failure is true.",
			"The session moves to another endpoint, unless session-cookie-change-on-failure is false.",
			"Most applications can better do without the session than without an answer.",
			"No recorded case has an endpoint that fails. It is in the source, rootfs/etc/nginx/lua/balancer/sticky.lua.",
			"controller/config: TestDifferences",
		},
		{
			InsecureNone,
			"A cookie with SameSite=None is not marked as Secure over plain text.",
			"It always is.",
			"Browsers drop cookies with SameSite=None that are not Secure.",
			"",
			"controller/config: TestDifferences",
		},
		{
			CookieOfRegex,
			"The default Path of a session cookie is the rule's path, also if that is a regular expression.",
			"The default Path for a regular expression is /.",
			"Browsers would not send the cookie back.",
			"",
			"difference-cookie-of-regex",
		},
		{
			AffinityByService,
			"Ingresses with session affinity that name the same Service all have the cookie of the youngest.",
			"Each Ingress has its own cookie.",
			"Another Ingress should not change the name of a cookie.",
			"",
			"difference-affinity-by-service",
		},
		{
			ForwardedFromAll,
			"With use-forwarded-headers, X-Forwarded-Proto, -Host and -Port are taken from every peer; proxy-real-ip-cidr only limits who may name the client's address.",
			"They are taken only from the proxies that proxy-real-ip-cidr lists, which are all by default.",
			"Clients that reach the controller directly could claim that they use HTTPS.",
			"",
			"controller/config: TestDifferences",
		},
		{
			HSTSGaps,
			"Strict-Transport-Security is missing where TLS ended at a proxy in front of the controller, in redirects of from-to-www-redirect, and where a client certificate is missing or wrong.",
			"Every answer to a request that the client sent over HTTPS has it.",
			"The first answer should protect the next request, whatever it is.",
			"",
			"difference-hsts-gaps",
		},
		{
			DefaultBackendOfHosts,
			"The defaultBackend of an Ingress with rules serves the hosts of these rules only.",
			"It also serves hosts that no Ingress names.",
			"The Ingress API has it handle requests that match no rule.",
			"",
			"difference-default-backend-of-hosts",
		},
		{
			DuplicatePaths,
			"The webhook refuses a path that another Ingress has, also with another path type, and accepts one that the same Ingress has twice.",
			"Exact and Prefix are different rules, and a path that an Ingress has twice is refused.",
			"The Ingress API defines what the two types match, and the second of two equal paths is never served.",
			"",
			"controller/admission: TestDuplicatePaths",
		},
		{
			RedirectToUnnamed,
			"A request without a Host field that a rule for all hosts matches is redirected to https://_.",
			"It is served.",
			"There is no host of that name.",
			"",
			"difference-redirect-to-unnamed",
		},
		{
			NoErrorBackend,
			"Replies with a status of custom-http-errors become 404 if there is no default backend.",
			"They keep the status, with a page of the proxy.",
			"A client should not take an outage for a missing page.",
			"The record has 404 alone.",
			"difference-error-pages",
		},
		{
			OldRequests,
			"Error backends and mirrors get requests in HTTP/1.0.",
			"They get HTTP/1.1.",
			"Some servers refuse HTTP/1.0, or answer without a length.",
			"",
			"difference-error-pages",
		},
		{
			BackendTLSNeedsSecret,
			"proxy-ssl-name, -server-name, -protocols and -ciphers have no effect without proxy-ssl-secret.",
			"They have. A Secret is needed to verify backends, and to present a certificate to them.",
			"Servers that many hosts share, such as content delivery networks, need the name, which has nothing to do with a certificate.",
			"No recorded case sets them. It is in the source, internal/ingress/annotations/proxyssl.",
			"controller/config: TestDifferences",
		},
		{
			ForwardedPort,
			"With use-forwarded-headers, X-Forwarded-Port stays that of the connection if a proxy in front names another scheme and no port.",
			"It is then the port of that scheme.",
			"Applications make URLs such as https://example.com:80 of the two.",
			"The checks that show it show hsts-gaps or forwarded-from-all, too, and are listed there.",
			"controller/config: TestDifferences",
		},
		{
			ClassField,
			"Of spec.ingressClassName and the annotation kubernetes.io/ingress.class, the field counts.",
			"The annotation counts.",
			"The Ingress API gives it precedence.",
			"No recorded case has both: the API server refuses to create one. It is in the source, internal/ingress/controller/store/store.go.",
			"controller/snapshot: TestClassField",
		},
	}
}

// Unshown are the differences that scenarios can't show with real traffic, and why.
func Unshown() map[Difference]string {
	return map[Difference]string{
		RedirectToUnnamed: "The client of scenarios names a host in every request.",
		HostField:         "The client of scenarios requests paths, and no URLs.",
	}
}
