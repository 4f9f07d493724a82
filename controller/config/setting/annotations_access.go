package setting

// The settings in this file restrict access, but for a few.

func addressAnnotations() []Setting {
	return []Setting{
		{"whitelist-source-range", "networks, separated by commas", "", "Allows only clients from these networks; others are refused (403).", supported("addresses").protecting().evenIfEmpty()},
		{"allowlist-source-range", "networks, separated by commas", "", "Is another name of whitelist-source-range.", supported("addresses").protecting().evenIfEmpty()},
		{"denylist-source-range", "networks, separated by commas", "", "Refuses clients from these networks (403).", supported("addresses").protecting()},
		{"satisfy", "all, any", "all", "Is whether a client must pass all checks of address, password and authentication service, or one.", supported("addresses").protecting()},
	}
}

func limitAnnotations() []Setting {
	return []Setting{
		{"limit-connections", "a number", "", "Bounds the requests of a client address that are served at the same time.", supported("rate-limits").protecting()},
		{"limit-rps", "a number", "", "Bounds the requests of a client address in a second.", supported("rate-limits").protecting()},
		{"limit-rpm", "a number", "", "Bounds the requests of a client address in a minute.", supported("rate-limits").protecting()},
		{"limit-burst-multiplier", "a number", "5", "Is the largest burst, as a multiple of the rate.", supported("rate-limits").protecting()},
		{"limit-rate", "kilobytes", "0", "Bounds the bytes of a reply in a second.", supported("rate-limits")},
		{"limit-rate-after", "kilobytes", "0", "Is how much of a reply is sent before limit-rate applies.", supported("rate-limits")},
		{"limit-whitelist", "networks, separated by commas", "", "Exempts clients from the limits of requests.", supported("rate-limits").protecting()},
		{"limit-allowlist", "networks, separated by commas", "", "Is another name of limit-whitelist.", supported("rate-limits").protecting()},
	}
}

func passwordAnnotations() []Setting {
	return []Setting{
		{"auth-type", "basic", "", "Requires a name and a password.", supported("passwords").protecting()},
		{"auth-secret", "the name of a Secret, perhaps with its namespace", "", "Holds names and passwords.", supported("passwords").protecting()},
		{"auth-secret-type", "auth-file, auth-map", "auth-file", "Is whether the Secret has one key for all names or one for each.", supported("passwords").protecting()},
		{"auth-realm", "text", "", "Is the realm that browsers show.", supported("passwords").protecting()},
	}
}

func externalAuthAnnotations() []Setting {
	return []Setting{
		{"auth-url", "a URL with nginx variables", "", "Is requested for each request, which passes if the answer is 2xx.", supported("external-authentication").protecting()},
		{"auth-method", "a method", "GET", "Is the method of that request.", supported("external-authentication").protecting()},
		{"auth-signin", "a URL with nginx variables", "", "Is where clients are redirected instead of being answered with 401.", supported("external-authentication").protecting()},
		{"auth-signin-redirect-param", "a name", "rd", "Is the parameter of auth-signin that has the client's URL.", supported("external-authentication").protecting()},
		{"auth-request-redirect", "a value", "", "Sets X-Auth-Request-Redirect in that request.", supported("external-authentication").protecting()},
		{"auth-response-headers", "names, separated by commas", "", "Lists the fields of the answer that backends get.", supported("external-authentication").protecting()},
		{"auth-proxy-set-headers", "namespace/name of a ConfigMap", "", "Holds fields for that request, with nginx variables.", supported("external-authentication").protecting()},
		{"auth-always-set-cookie", "true, false", "false", "Forwards cookies of the answer with errors, too.", supported("external-authentication").protecting()},
		{"auth-cache-key", "text with nginx variables", "", "Is what answers are cached by.", supported("external-authentication").protecting()},
		{"auth-cache-duration", "status codes and a time", "200 202 401 5m", "Is how long answers are cached.", supported("external-authentication").protecting()},
		{"auth-keepalive", "a number", "0", "Keeps connections to the authentication service if it is not 0; otherwise each request has its own.", supported("external-authentication")},
		{"auth-keepalive-requests", "a number", "1000", "Is how many requests such a connection serves.", harmless("there is no limit")},
		{"auth-keepalive-timeout", "seconds", "60", "Is how long such a connection is kept.", harmless("the limit is fixed")},
		{"auth-keepalive-share-vars", "true, false", "false", "Shares nginx's variables with that request.", harmless("the request has all variables in any case")},
		{"auth-snippet", "nginx configuration", "", "Adds text to the location of that request.", refused(nginxLanguage).protecting()},
		{"enable-global-auth", "true, false", "true", "Exempts the Ingress from global-auth-url if false.", supported("external-authentication")},
	}
}

func clientCertificateAnnotations() []Setting {
	return []Setting{
		{"auth-tls-secret", "namespace/name of a Secret", "", "Holds the authority of client certificates, which are required.", supported("client-certificates").protecting()},
		{"auth-tls-verify-client", "on, off, optional, optional_no_ca", "on", "Is whether a client certificate is required.", supported("client-certificates").protecting()},
		{"auth-tls-verify-depth", "a number", "1", "Is the longest chain of authorities that is accepted.", supported("client-certificates").protecting()},
		{"auth-tls-error-page", "a URL", "", "Is where clients without a valid certificate are redirected to.", supported("client-certificates").protecting()},
		{"auth-tls-pass-certificate-to-upstream", "true, false", "false", "Sends the certificate to backends.", supported("client-certificates")},
		{"auth-tls-match-cn", "CN= and a regular expression", "", "Restricts the common names of client certificates.", supported("client-certificates").protecting()},
	}
}

func clientTLSAnnotations() []Setting {
	return []Setting{
		{"ssl-passthrough", "true, false", "false", "Passes TLS on to the backend, which has the certificate, if the flag --enable-ssl-passthrough is set.", supported("passthrough").protecting().unless(isFalse)},
		{"ssl-ciphers", "an OpenSSL cipher list", "", "Restricts the ciphers of TLS 1.2.", supported("tls-versions").protecting()},
		{"ssl-prefer-server-ciphers", "true, false", "false", "Has the server select the cipher.", harmless("Go selects the cipher that is safest and fastest for both sides")},
	}
}

func logAnnotations() []Setting {
	const noTraces = "traces are not supported"
	return []Setting{
		{"enable-access-log", "true, false", "true", "Leaves requests out of the access log if false.", supported("access-log")},
		{"enable-opentelemetry", "true, false", "", "Makes a trace of each request.", refused(noTraces).unless(isFalse)},
		{"opentelemetry-trust-incoming-span", "true, false", "true", "Continues the client's trace.", harmless(noTraces)},
		{"opentelemetry-operation-name", "text with nginx variables", "", "Names the spans.", harmless(noTraces)},
	}
}

func firewallAnnotations() []Setting {
	const reason = "ModSecurity is not supported"
	return []Setting{
		{"enable-modsecurity", "true, false", "false", "Checks requests with ModSecurity.", refused(reason).protecting().unless(isFalse)},
		{"enable-owasp-core-rules", "true, false", "false", "Checks requests with the OWASP rules.", refused(reason).protecting().unless(isFalse)},
		{"modsecurity-snippet", "ModSecurity rules", "", "Adds rules.", refused(reason).protecting()},
		{"modsecurity-transaction-id", "text with nginx variables", "", "Names transactions in ModSecurity's log.", harmless(reason)},
	}
}

func snippetAnnotations() []Setting {
	return []Setting{
		{"configuration-snippet", "nginx configuration", "", "Adds text to the location.", refused(nginxLanguage).protecting()},
		{"server-snippet", "nginx configuration", "", "Adds text to the server.", refused(nginxLanguage).protecting()},
		{"stream-snippet", "nginx configuration", "", "Adds text to the stream section.", refused(nginxLanguage).protecting()},
	}
}
