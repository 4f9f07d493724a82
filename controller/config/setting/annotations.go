package setting

// annotationGroups are the 138 annotations of ingress-nginx 1.15.1, without the prefix nginx.ingress.kubernetes.io.
// A decision is one line.
func annotationGroups() []Group {
	return []Group{
		{"Redirects", redirectAnnotations()},
		{"Rewriting", rewriteAnnotations()},
		{"Hosts", hostAnnotations()},
		{"Cross-origin resource sharing", corsAnnotations()},
		{"Headers and cookies", headerAnnotations()},
		{"Canary", canaryAnnotations()},
		{"Session affinity", affinityAnnotations()},
		{"Balancing", balancingAnnotations()},
		{"Backends", backendAnnotations()},
		{"TLS to backends", backendTLSAnnotations()},
		{"Time-outs and retries", timeoutAnnotations()},
		{"Sizes and buffers", bufferAnnotations()},
		{"Error pages", errorAnnotations()},
		{"Mirroring", mirrorAnnotations()},
		{"Address lists", addressAnnotations()},
		{"Limits", limitAnnotations()},
		{"Passwords", passwordAnnotations()},
		{"External authentication", externalAuthAnnotations()},
		{"Client certificates", clientCertificateAnnotations()},
		{"TLS of clients", clientTLSAnnotations()},
		{"Logs and traces", logAnnotations()},
		{"Web application firewall", firewallAnnotations()},
		{"Snippets", snippetAnnotations()},
	}
}

func redirectAnnotations() []Setting {
	return []Setting{
		{"ssl-redirect", "true, false", "true", "Redirects plain text to HTTPS where the host has a certificate.", supported("tls")},
		{"force-ssl-redirect", "true, false", "false", "Redirects plain text to HTTPS on every host.", supported("tls")},
		{"preserve-trailing-slash", "true, false", "true; false in compatibility mode", "Keeps a slash at the end of the URL in the redirect to HTTPS.", supported("redirects")},
		{"app-root", "a path", "", "Redirects requests for / to the path, with 302.", supported("redirects")},
		{"permanent-redirect", "a URL", "", "Redirects all requests to the URL.", supported("redirects").strictly()},
		{"permanent-redirect-code", "301, 302, 303, 307, 308", "301", "Is the status of permanent-redirect.", supported("redirects")},
		{"temporal-redirect", "a URL", "", "Redirects all requests to the URL, and wins over permanent-redirect.", supported("redirects").strictly()},
		{"temporal-redirect-code", "301, 302, 303, 307", "302", "Is the status of temporal-redirect.", supported("redirects")},
		{"from-to-www-redirect", "true, false", "false", "Redirects the host with www. to the one without, or the other way round.", supported("redirects")},
		{"relative-redirects", "true, false", "false", "Leaves scheme and host out of redirects that the controller answers with.", refused("redirects are always absolute")},
		{"use-port-in-redirects", "true, false", "false", "Names the listener's port in redirects that nginx itself makes.", harmless("the port of a redirect is the one that clients reach")},
	}
}

func rewriteAnnotations() []Setting {
	return []Setting{
		{"rewrite-target", "a path with $1 to $9", "", "Replaces the path that backends receive; groups of the rule's path fill in $1 to $9.", supported("rewrite")},
		{"use-regex", "true, false", "false", "Makes the paths of the Ingress regular expressions that ignore case.", supported("rewrite")},
		{"x-forwarded-prefix", "a path", "", "Sets X-Forwarded-Prefix where rewrite-target applies.", supported("rewrite")},
		{"enable-rewrite-log", "true, false", "false", "Logs each step of nginx's rewriting.", harmless("the dump of the table shows what is rewritten")},
	}
}

func hostAnnotations() []Setting {
	return []Setting{
		{"server-alias", "host names, separated by commas", "", "Serves the paths of the Ingress's host under more names.", supported("hosts")},
		{"upstream-vhost", "a host name, with $service_name, $service_port, $namespace and $ingress_name", "the client's", "Sets the Host that backends receive.", supported("forwarded")},
	}
}

func corsAnnotations() []Setting {
	return []Setting{
		{"enable-cors", "true, false", "false", "Answers preflight requests (204) and adds CORS fields to replies.", supported("cors")},
		{"cors-allow-origin", "origins, separated by commas, with * for a label", "*", "Lists the origins that may read replies.", supported("cors")},
		{"cors-allow-methods", "methods, separated by commas", "GET, PUT, POST, DELETE, PATCH, OPTIONS", "Lists the methods that a preflight request allows.", supported("cors")},
		{"cors-allow-headers", "names, separated by commas", "a list of common ones", "Lists the request fields that a preflight request allows.", supported("cors")},
		{"cors-allow-credentials", "true, false", "true", "Lets scripts send cookies.", supported("cors")},
		{"cors-expose-headers", "names, separated by commas", "", "Lists the reply fields that scripts may read.", supported("cors")},
		{"cors-max-age", "seconds", "1728000", "Is how long browsers may keep the answer to a preflight request.", supported("cors")},
	}
}

func headerAnnotations() []Setting {
	return []Setting{
		{"custom-headers", "namespace/name of a ConfigMap", "", "Adds the ConfigMap's fields to replies; global-allowed-response-headers must list them.", supported("headers").protecting()},
		{"connection-proxy-header", "a value", "", "Sets the Connection field that backends receive.", supported("headers")},
		{"proxy-cookie-path", "two paths, or off", "off", "Replaces the beginning of the Path of backends' cookies.", supported("headers")},
		{"proxy-cookie-domain", "two domains, or off", "off", "Replaces the Domain of backends' cookies.", supported("headers")},
		{"proxy-redirect-from", "the beginning of a URL, or off", "off", "Is what proxy-redirect-to replaces in the Location and Refresh of replies.", supported("headers")},
		{"proxy-redirect-to", "the beginning of a URL, or off", "off", "Replaces proxy-redirect-from.", supported("headers")},
		{"http2-push-preload", "true, false", "false", "Made nginx push what Link fields name.", harmless("browsers have dropped HTTP/2 push, and so has nginx")},
	}
}

func canaryAnnotations() []Setting {
	return []Setting{
		{"canary", "true, false", "false", "Makes the Ingress a canary of the one with the same host and path.", supported("canary")},
		{"canary-by-header", "the name of a field", "", "Sends requests to the canary whose field is always, and none whose field is never.", supported("canary")},
		{"canary-by-header-value", "a value", "", "Sends requests to the canary whose field has the value, instead of always.", supported("canary")},
		{"canary-by-header-pattern", "a regular expression", "", "Sends requests to the canary whose field matches.", supported("canary")},
		{"canary-by-cookie", "the name of a cookie", "", "Sends requests to the canary whose cookie is always, and none whose cookie is never.", supported("canary")},
		{"canary-weight", "a number", "0", "Is the canary's share of canary-weight-total, drawn at random for each request.", supported("canary")},
		{"canary-weight-total", "a number", "100", "Is the total that canary-weight is a part of.", supported("canary")},
	}
}

func affinityAnnotations() []Setting {
	return []Setting{
		{"affinity", "cookie", "", "Keeps a client on one endpoint by a cookie.", supported("affinity")},
		{"affinity-mode", "balanced, persistent", "balanced", "Is whether sessions may move when endpoints are added; here they never do.", supported("affinity")},
		{"affinity-canary-behavior", "sticky, legacy", "sticky", "Is whether a session stays on its side of a canary.", supported("affinity")},
		{"session-cookie-name", "a token", "INGRESSCOOKIE", "Names the cookie.", supported("affinity")},
		{"session-cookie-path", "a path", "the path of the rule", "Is the Path of the cookie.", supported("affinity")},
		{"session-cookie-domain", "a domain", "", "Is the Domain of the cookie.", supported("affinity")},
		{"session-cookie-max-age", "seconds", "", "Is the Max-Age of the cookie.", supported("affinity")},
		{"session-cookie-expires", "seconds", "", "Is how far ahead the cookie's Expires is.", supported("affinity")},
		{"session-cookie-samesite", "None, Lax, Strict", "", "Is the SameSite of the cookie.", supported("affinity")},
		{"session-cookie-conditional-samesite-none", "true, false", "false", "Leaves SameSite=None out for browsers that misunderstand it.", supported("affinity")},
		{"session-cookie-secure", "true, false", "false", "Marks the cookie as Secure; over HTTPS it always is.", supported("affinity")},
		{"session-cookie-change-on-failure", "true, false", "true; false in compatibility mode", "Moves a session whose endpoint fails to another.", supported("affinity")},
	}
}

func balancingAnnotations() []Setting {
	return []Setting{
		{"load-balance", "round_robin, ewma", "round_robin", "Is how endpoints are selected: in turn, or the one of two that answers faster.", supported("balancing")},
		{"upstream-hash-by", "text with nginx variables", "", "Sends requests of the same text to the same endpoint.", supported("balancing")},
		{"upstream-hash-by-subset", "true, false", "false", "Sends requests of the same text to the same few endpoints.", supported("balancing")},
		{"upstream-hash-by-subset-size", "a number", "3", "Is how many endpoints those are.", supported("balancing")},
		{"service-upstream", "true, false", "false", "Connects to the Service's cluster IP instead of its endpoints.", supported("balancing")},
	}
}

func backendAnnotations() []Setting {
	return []Setting{
		{"backend-protocol", "HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS, FCGI", "HTTP", "Is what backends speak.", supported("backend-tls")},
		{"fastcgi-index", "a file name", "", "Is appended to $fastcgi_script_name where the path ends in a slash.", supported("fastcgi")},
		{"fastcgi-params-configmap", "the name of a ConfigMap, perhaps with its namespace", "", "Holds FastCGI parameters, with nginx variables.", supported("fastcgi")},
		{"proxy-http-version", "1.0, 1.1", "1.1", "Is the version of HTTP that backends get; in 1.0 a body whose length is not known must be short (411).", supported("backends")},
	}
}

func backendTLSAnnotations() []Setting {
	return []Setting{
		{"proxy-ssl-secret", "namespace/name of a Secret", "", "Holds the client certificate and the authority for backends.", supported("tls")},
		{"proxy-ssl-name", "a DNS name", "", "Is the name that backends' certificates must have.", supported("tls")},
		{"proxy-ssl-server-name", "on, off", "off", "Sends that name as SNI.", supported("tls")},
		{"proxy-ssl-verify", "on, off", "off", "Verifies backends' certificates.", supported("tls")},
		{"proxy-ssl-verify-depth", "a number", "1", "Is the longest chain of authorities that is accepted.", supported("tls")},
		{"proxy-ssl-ciphers", "an OpenSSL cipher list", "DEFAULT", "Restricts the ciphers of TLS 1.2 towards backends; in compatibility mode only where proxy-ssl-secret is given.", supported("backend-tls").protecting()},
		{"proxy-ssl-protocols", "TLSv1.2, TLSv1.3", "TLSv1.2 TLSv1.3", "Restricts versions of TLS towards backends; in compatibility mode only where proxy-ssl-secret is given.", supported("backend-tls").protecting()},
	}
}

func timeoutAnnotations() []Setting {
	return []Setting{
		{"proxy-connect-timeout", "seconds", "5", "Bounds connecting to a backend.", supported("retries")},
		{"proxy-read-timeout", "seconds", "60", "Bounds how long a backend may send nothing.", supported("errors")},
		{"proxy-send-timeout", "seconds", "60", "Bounds how long a backend may accept nothing of the request.", supported("retries")},
		{"proxy-next-upstream", "conditions of nginx, or off", "error timeout", "Says after which failures another endpoint is tried.", supported("retries")},
		{"proxy-next-upstream-timeout", "seconds", "0", "Bounds all tries together.", supported("retries")},
		{"proxy-next-upstream-tries", "a number", "3", "Is how many endpoints are tried.", supported("retries")},
	}
}

func bufferAnnotations() []Setting {
	return []Setting{
		{"proxy-body-size", "a size, 0 for no limit", "1m", "Is the largest request body.", supported("errors")},
		{"client-body-buffer-size", "a size", "8k", "Is how much of a request body is kept in memory.", harmless(streamed)},
		{"proxy-buffering", "on, off", "off", "Reads replies ahead of slow clients.", harmless(slowClients)},
		{"proxy-buffer-size", "a size", "4k", "Is the largest header of a reply.", harmless(headersGrow).unlessReproduced()},
		{"proxy-buffers-number", "a number", "4", "Is the number of buffers for a reply.", harmless(streamed)},
		{"proxy-busy-buffers-size", "a size", "8k", "Is how much of a reply may be on its way to the client.", harmless(streamed)},
		{"proxy-max-temp-file-size", "a size", "1024m", "Is how much of a reply is kept in a file.", harmless("replies are never written to files")},
		{"proxy-request-buffering", "on, off", "on", "Reads a request's body before a backend gets it.", harmless(halfRequests)},
	}
}

func errorAnnotations() []Setting {
	return []Setting{
		{"custom-http-errors", "status codes, separated by commas", "", "Replaces replies with these codes by those of the default backend.", supported("error-pages")},
		{"default-backend", "the name of a Service", "the controller's", "Answers when the Service has no endpoint, and for custom-http-errors.", supported("error-pages")},
		{"disable-proxy-intercept-errors", "true, false", "false", "Does not replace backends' errors, in spite of custom-http-errors.", supported("error-pages")},
	}
}

func mirrorAnnotations() []Setting {
	return []Setting{
		{"mirror-target", "a URL with nginx variables", "", "Sends a copy of each request to the URL, and drops the reply.", supported("mirror")},
		{"mirror-request-body", "on, off", "on", "Sends the body with the copy.", supported("mirror")},
		{"mirror-host", "a host name", "that of the URL", "Is the Host of the copy.", supported("mirror")},
	}
}
