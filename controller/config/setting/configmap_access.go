package setting

func accessKeys() []Setting {
	return []Setting{
		{"whitelist-source-range", "networks, separated by commas", "", "Is the default of the annotation.", supported("addresses").protecting().unless(coversAll)},
		{"denylist-source-range", "networks, separated by commas", "", "Is the default of the annotation.", supported("addresses").protecting()},
		{"block-cidrs", "networks, separated by commas", "", "Refuses clients from these networks (403).", supported("addresses").protecting()},
		{"block-user-agents", "texts or ~ and a regular expression, separated by commas", "", "Refuses requests (403) by User-Agent.", supported("addresses").protecting()},
		{"block-referers", "texts or ~ and a regular expression, separated by commas", "", "Refuses requests (403) by Referer.", supported("addresses").protecting()},
		{"limit-req-status-code", "400 to 599", "503", "Is the status of requests above a rate.", supported("rate-limits")},
		{"limit-conn-status-code", "400 to 599", "503", "Is the status of requests above limit-connections.", supported("rate-limits")},
		{"limit-conn-zone-variable", "text with nginx variables", "$binary_remote_addr", "Is the text by which clients are distinguished.", refused("clients are distinguished by their addresses").unless(isAddressVariable)},
		{"nginx-status-ipv4-whitelist", "addresses, separated by commas", "127.0.0.1", "Lists who may read nginx's status page.", harmless("there is no status page of nginx")},
		{"nginx-status-ipv6-whitelist", "addresses, separated by commas", "::1", "Lists who may read nginx's status page.", harmless("there is no status page of nginx")},
	}
}

func globalAuthKeys() []Setting {
	return []Setting{
		{"global-auth-url", "a URL with nginx variables", "", "Is auth-url for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-method", "a method", "GET", "Is auth-method for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-signin", "a URL with nginx variables", "", "Is auth-signin for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-signin-redirect-param", "a name", "rd", "Is auth-signin-redirect-param for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-response-headers", "names, separated by commas", "", "Is auth-response-headers for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-request-redirect", "a value", "", "Is auth-request-redirect for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-snippet", "nginx configuration", "", "Is auth-snippet for all Ingresses.", refused(nginxLanguage).protecting()},
		{"global-auth-cache-key", "text with nginx variables", "", "Is auth-cache-key for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-cache-duration", "status codes and a time", "200 202 401 5m", "Is auth-cache-duration for all Ingresses.", supported("external-authentication").protecting()},
		{"global-auth-always-set-cookie", "true, false", "false", "Is auth-always-set-cookie for all Ingresses.", supported("external-authentication").protecting()},
		{"no-auth-locations", "paths, separated by commas", "/.well-known/acme-challenge", "Lists beginnings of rules' paths that need no authentication.", supported("external-authentication")},
	}
}

func clientTLSKeys() []Setting {
	return []Setting{
		{"ssl-protocols", "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", "TLSv1.2 TLSv1.3", "Restricts versions of TLS.", supported("tls-versions").protecting()},
		{"ssl-ciphers", "an OpenSSL cipher list", "a list of good ones", "Restricts the ciphers of TLS 1.2.", supported("tls-versions").protecting()},
		{"ssl-ecdh-curve", "names of curves", "auto", "Restricts the curves of key exchange; their order is Go's.", supported("tls-versions").protecting()},
		{"ssl-dh-param", "the name of a Secret", "", "Holds parameters of finite-field Diffie-Hellman.", harmless("Go has no such key exchange")},
		{"ssl-session-cache", "true, false", "true", "Keeps sessions in the server's memory.", harmless("sessions are resumed by tickets")},
		{"ssl-session-cache-size", "a size", "10m", "Sizes that memory.", harmless("sessions are resumed by tickets")},
		{"ssl-session-tickets", "true, false", "true: Go resumes sessions by nothing else", "Lets clients resume sessions by tickets.", supported("tls-versions")},
		{"ssl-session-ticket-key", "a key", "random", "Is the key of tickets.", harmless("keys are made, and change daily")},
		{"ssl-session-timeout", "a time", "10m", "Is how long sessions can be resumed.", harmless("Go's limit is used")},
		{"ssl-buffer-size", "a size", "4k", "Is the largest record.", harmless("Go adapts records")},
		{"ssl-early-data", "true, false", "false", "Accepts requests in the first packet of TLS 1.3.", harmless("early data is never accepted")},
		{"ssl-reject-handshake", "true, false", "false", "Ends handshakes for unknown hosts.", refused("unknown hosts get the default certificate and 404").unless(isFalse)},
		{"enable-ocsp", "true, false", "false", "Staples the state of certificates to handshakes.", harmless("clients find the state elsewhere")},
	}
}
