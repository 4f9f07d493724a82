package setting

// configMapGroups are the keys of the ConfigMap of ingress-nginx 1.15.1. A decision is one line.
func configMapGroups() []Group {
	return []Group{
		{"Redirects", redirectKeys()},
		{"Strict Transport Security", hstsKeys()},
		{"Proxies in front", forwardedKeys()},
		{"Request headers", requestHeaderKeys()},
		{"Reply headers", replyHeaderKeys()},
		{"Defaults of annotations", defaultKeys()},
		{"Access", accessKeys()},
		{"Global authentication", globalAuthKeys()},
		{"TLS of clients", clientTLSKeys()},
		{"Connections of clients", clientKeys()},
		{"Connections to backends", keepAliveKeys()},
		{"Compression", compressionKeys()},
		{"Logs", logKeys()},
		{"Traces", traceKeys()},
		{"Web application firewall", firewallKeys()},
		{"Snippets and annotations", snippetKeys()},
		{"TCP and UDP", streamKeys()},
		{"Processes of nginx", processKeys()},
	}
}

func redirectKeys() []Setting {
	return []Setting{
		{"ssl-redirect", "true, false", "true", "Is the default of the annotation.", supported("tls")},
		{"force-ssl-redirect", "true, false", "false", "Is the default of the annotation.", supported("tls")},
		{"preserve-trailing-slash", "true, false", "false", "Is the default of the annotation.", supported("redirects")},
		{"http-redirect-code", "301, 302, 307, 308", "308", "Is the status of the redirects to HTTPS and to or from www.", supported("redirects")},
		{"no-tls-redirect-locations", "paths, separated by commas", "/.well-known/acme-challenge", "Lists beginnings of rules' paths that are not redirected to HTTPS.", supported("redirects")},
		{"relative-redirects", "true, false", "false", "Is the default of the annotation.", refused("redirects are always absolute").unless(isFalse)},
		{"use-port-in-redirects", "true, false", "false", "Is the default of the annotation.", harmless("the port of a redirect is the one that clients reach")},
	}
}

func hstsKeys() []Setting {
	return []Setting{
		{"hsts", "true, false", "true", "Sends Strict-Transport-Security in replies over HTTPS.", supported("tls")},
		{"hsts-max-age", "seconds", "31536000", "Is how long browsers use HTTPS only.", supported("tls")},
		{"hsts-include-subdomains", "true, false", "true", "Includes the hosts below.", supported("tls")},
		{"hsts-preload", "true, false", "false", "Allows browsers to ship with the host.", supported("tls")},
	}
}

func forwardedKeys() []Setting {
	return []Setting{
		{"use-forwarded-headers", "true, false", "false", "Trusts the X-Forwarded fields of proxies in front.", supported("forwarded")},
		{"proxy-real-ip-cidr", "networks, separated by commas", "0.0.0.0/0", "Are the networks of proxies that are trusted.", supported("forwarded")},
		{"forwarded-for-header", "the name of a field", "X-Forwarded-For", "Is the field that has the chain of addresses.", supported("forwarded")},
		{"compute-full-forwarded-for", "true, false", "false", "Appends to the chain instead of replacing it.", supported("forwarded")},
		{"use-proxy-protocol", "true, false", "false", "Requires a PROXY protocol header of every connection.", supported("forwarded")},
		{"proxy-protocol-header-timeout", "a time", "5s", "Bounds waiting for that header.", harmless("the limit is fixed")},
		{"enable-real-ip", "true, false", "false", "Takes the client's address from a field of the request.", supported("forwarded")},
		{"proxy-add-original-uri-header", "true, false", "false", "Sends backends the client's URI as X-Original-URI.", supported("forwarded")},
		{"generate-request-id", "true, false", "true", "Makes an X-Request-ID where the client sends none.", supported("forwarded")},
	}
}

func requestHeaderKeys() []Setting {
	return []Setting{
		{"proxy-set-headers", "namespace/name of a ConfigMap", "", "Holds fields that backends get.", supported("headers")},
		{"enable-underscores-in-headers", "true, false", "false", "Passes on fields whose names have underscores.", supported("forwarded")},
		{"ignore-invalid-headers", "true, false", "true", "Drops fields with unusual names.", refused("names with other characters than letters, digits and dashes are always dropped").unless(isTrue)},
		{"client-header-buffer-size", "a size", "1k", "Is the first buffer of a request's header.", harmless("buffers grow as needed, up to 32 KiB")},
		{"large-client-header-buffers", "a number and a size", "4 8k", "Is the largest header of a request.", harmless("headers of up to 32 KiB are accepted").unlessReproduced()},
		{"http2-max-field-size", "a size", "0", "Was the largest field over HTTP/2.", harmless("nginx has dropped it")},
		{"http2-max-header-size", "a size", "0", "Was the largest header over HTTP/2.", harmless("nginx has dropped it")},
		{"proxy-headers-hash-max-size", "a number", "512", "Sizes a hash table.", harmless(ofNginx)},
		{"proxy-headers-hash-bucket-size", "a number", "64", "Sizes a hash table.", harmless(ofNginx)},
	}
}

func replyHeaderKeys() []Setting {
	return []Setting{
		{"add-headers", "namespace/name of a ConfigMap", "", "Holds fields that are added to replies.", supported("headers")},
		{"hide-headers", "names, separated by commas", "", "Lists fields of backends' replies that clients don't get.", supported("headers")},
		{"global-allowed-response-headers", "names, separated by commas", "", "Lists the fields that custom-headers may set.", supported("headers")},
		{"server-tokens", "true, false", "false", "Sends the name of the proxy as Server.", supported("headers")},
		{"allow-backend-server-header", "true, false", "false", "Passes on the Server of backends.", supported("headers")},
		{"default-type", "a media type", "text/html", "Is the Content-Type of nginx's files.", harmless("no files are served")},
	}
}

func defaultKeys() []Setting {
	return []Setting{
		{"proxy-body-size", "a size, 0 for no limit", "1m", "Is the default of the annotation.", supported("errors")},
		{"proxy-connect-timeout", "seconds", "5", "Is the default of the annotation.", supported("retries")},
		{"proxy-read-timeout", "seconds", "60", "Is the default of the annotation.", supported("errors")},
		{"proxy-send-timeout", "seconds", "60", "Is the default of the annotation.", supported("retries")},
		{"proxy-next-upstream", "conditions of nginx, or off", "error timeout", "Is the default of the annotation.", supported("retries")},
		{"proxy-next-upstream-timeout", "seconds", "0", "Is the default of the annotation.", supported("retries")},
		{"proxy-next-upstream-tries", "a number", "3", "Is the default of the annotation.", supported("retries")},
		{"retry-non-idempotent", "true, false", "false", "Tries another endpoint with methods that change something, too.", supported("retries")},
		{"proxy-request-buffering", "on, off", "on", "Is the default of the annotation.", harmless(halfRequests)},
		{"proxy-buffering", "on, off", "off", "Is the default of the annotation.", harmless(slowClients)},
		{"proxy-buffer-size", "a size", "4k", "Is the default of the annotation.", harmless(headersGrow).unlessReproduced()},
		{"proxy-buffers-number", "a number", "4", "Is the default of the annotation.", harmless(streamed)},
		{"proxy-busy-buffers-size", "a size", "8k", "Is the default of the annotation.", harmless(streamed)},
		{"proxy-max-temp-file-size", "a size", "1024m", "Is the default of the annotation.", harmless("replies are never written to files")},
		{"client-body-buffer-size", "a size", "8k", "Is the default of the annotation.", harmless(streamed)},
		{"proxy-http-version", "1.0, 1.1", "1.1", "Is the default of the annotation.", supported("backends")},
		{"grpc-buffer-size-kb", "kilobytes", "", "Is the buffer for replies of gRPC.", harmless("replies are passed on as they come")},
		{"proxy-cookie-path", "two paths, or off", "off", "Is the default of the annotation.", supported("headers")},
		{"proxy-cookie-domain", "two domains, or off", "off", "Is the default of the annotation.", supported("headers")},
		{"proxy-redirect-from", "the beginning of a URL, or off", "off", "Is the default of the annotation.", supported("headers")},
		{"proxy-redirect-to", "the beginning of a URL, or off", "off", "Is the default of the annotation.", supported("headers")},
		{"proxy-ssl-location-only", "true, false", "false", "Applies proxy-ssl-secret only to the paths of its Ingress.", harmless("it always does")},
		{"load-balance", "round_robin, ewma", "round_robin", "Is the default of the annotation.", supported("balancing")},
		{"service-upstream", "true, false", "false", "Is the default of the annotation.", supported("balancing")},
		{"custom-http-errors", "status codes, separated by commas", "", "Is the default of the annotation.", supported("error-pages")},
		{"disable-proxy-intercept-errors", "true, false", "false", "Is the default of the annotation.", supported("error-pages")},
		{"limit-rate", "kilobytes", "0", "Is the default of the annotation.", supported("rate-limits")},
		{"limit-rate-after", "kilobytes", "0", "Is the default of the annotation.", supported("rate-limits")},
	}
}

func clientKeys() []Setting {
	return []Setting{
		{"keep-alive", "seconds", "75", "Is how long an idle connection is kept.", harmless("the limit is fixed")},
		{"keep-alive-requests", "a number", "1000", "Is how many requests a connection serves.", harmless("there is no limit")},
		{"client-header-timeout", "seconds", "60", "Bounds waiting for a request's header.", harmless("the limit is fixed")},
		{"client-body-timeout", "seconds", "60", "Bounds waiting for more of a request's body.", harmless("the limit is fixed")},
		{"use-http2", "true, false", "true", "Offers HTTP/2 over TLS.", harmless("HTTP/2 is always used with clients that offer it")},
		{"http2-max-concurrent-streams", "a number", "128", "Is how many requests a connection serves at once.", harmless("the limit is fixed")},
		{"http2-max-requests", "a number", "0", "Was how many requests a connection serves.", harmless("nginx has dropped it")},
		{"bind-address", "addresses, separated by commas", "all", "Are the addresses that are listened on.", refused("all addresses are listened on")},
		{"disable-ipv6", "true, false", "false", "Leaves IPv6 out.", harmless("both families are listened on")},
		{"disable-ipv6-dns", "true, false", "false", "Resolves names to addresses of IPv4 only.", harmless("names of both families are resolved")},
	}
}

func keepAliveKeys() []Setting {
	return []Setting{
		{"upstream-keepalive-connections", "a number", "320", "Is how many idle connections are kept.", harmless("the limit is fixed")},
		{"upstream-keepalive-time", "a time", "1h", "Is how long a connection is used.", harmless("the limit is fixed")},
		{"upstream-keepalive-timeout", "seconds", "60", "Is how long an idle connection is kept.", harmless("the limit is fixed")},
		{"upstream-keepalive-requests", "a number", "10000", "Is how many requests a connection serves.", harmless("there is no limit")},
	}
}

func compressionKeys() []Setting {
	return []Setting{
		{"use-gzip", "true, false", "false", "Compresses replies with gzip.", supported("compression")},
		{"gzip-level", "1 to 9", "1", "Is the compression level of gzip.", supported("compression")},
		{"gzip-min-length", "bytes", "256", "Is the smallest body that is compressed.", supported("compression")},
		{"gzip-types", "media types", "a list of common ones", "Lists what is compressed.", supported("compression")},
		{"gzip-disable", "a regular expression, or msie6", "", "Excludes clients by User-Agent.", supported("brotli")},
		{"enable-brotli", "true, false", "false", "Compresses replies with Brotli.", supported("brotli")},
		{"brotli-level", "0 to 11", "4", "Is the compression level of Brotli.", supported("brotli")},
		{"brotli-min-length", "bytes", "20", "Is the smallest body that is compressed.", supported("brotli")},
		{"brotli-types", "media types", "a list of common ones", "Lists what is compressed.", supported("brotli")},
	}
}

func logKeys() []Setting {
	const toOutput = "logs go to the standard output"
	return []Setting{
		{"log-format-upstream", "text with nginx variables", "a JSON object", "Is the format of the access log.", supported("access-log")},
		{"log-format-escape-json", "true, false", "false", "Escapes variables as in JSON.", supported("access-log")},
		{"log-format-escape-none", "true, false", "false", "Escapes nothing.", supported("access-log")},
		{"log-format-stream", "text with nginx variables", "a line of text", "Is the format of the log of TCP and UDP.", harmless("connections of TCP and UDP services are not logged")},
		{"disable-access-log", "true, false", "false", "Switches the access log off.", supported("access-log")},
		{"skip-access-log-urls", "paths, or ~ and a regular expression, separated by commas", "", "Excludes requests from the access log by their path.", supported("access-log")},
		{"enable-access-log-for-default-backend", "true, false", "false", "Logs requests that no rule matches.", harmless("they are always logged")},
		{"enable-auth-access-log", "true, false", "false", "Logs requests to the authentication service.", harmless("they are counted in metrics")},
		{"access-log-params", "parameters of nginx", "", "Buffers the access log.", harmless(toOutput)},
		{"access-log-path", "a path", "/var/log/nginx/access.log", "Is the file of the access log.", harmless(toOutput)},
		{"http-access-log-path", "a path", "", "Is the file of the access log of HTTP.", harmless(toOutput)},
		{"stream-access-log-path", "a path", "", "Is the file of the access log of TCP and UDP.", harmless(toOutput)},
		{"error-log-path", "a path", "/var/log/nginx/error.log", "Is the file of the error log.", harmless(toOutput)},
		{"error-log-level", "a level", "notice", "Is the level of the error log.", harmless("the flag --v selects what is logged")},
		{"enable-syslog", "true, false", "false", "Sends logs to syslog.", refused(toOutput)},
		{"syslog-host", "a host", "", "Is where syslog listens.", harmless(toOutput)},
		{"syslog-port", "a port", "514", "Is where syslog listens.", harmless(toOutput)},
		{"debug-connections", "networks, separated by commas", "", "Are the clients whose connections nginx's debug log has.", harmless(ofNginx)},
	}
}

func traceKeys() []Setting {
	const reason = "traces are not supported"
	return []Setting{
		{"enable-opentelemetry", "true, false", "false", "Makes a trace of each request.", refused(reason).unless(isFalse)},
		{"opentelemetry-config", "a path", "", "Is the file of nginx's OpenTelemetry module.", harmless(reason)},
		{"opentelemetry-operation-name", "text with nginx variables", "", "Names the spans.", harmless(reason)},
		{"opentelemetry-trust-incoming-span", "true, false", "true", "Continues the client's trace.", harmless(reason)},
		{"otlp-collector-host", "a host", "", "Is where traces are sent.", harmless(reason)},
		{"otlp-collector-port", "a port", "4317", "Is where traces are sent.", harmless(reason)},
		{"otel-max-queuesize", "a number", "", "Bounds what waits to be sent.", harmless(reason)},
		{"otel-schedule-delay-millis", "milliseconds", "", "Is how often traces are sent.", harmless(reason)},
		{"otel-max-export-batch-size", "a number", "", "Is how much is sent at once.", harmless(reason)},
		{"otel-service-name", "a name", "nginx", "Names the service in traces.", harmless(reason)},
		{"otel-sampler", "AlwaysOff, AlwaysOn, TraceIdRatioBased", "AlwaysOn", "Selects what is traced.", harmless(reason)},
		{"otel-sampler-ratio", "0 to 1", "0.01", "Is the share that is traced.", harmless(reason)},
		{"otel-sampler-parent-based", "true, false", "true", "Follows the client's selection.", harmless(reason)},
	}
}

func firewallKeys() []Setting {
	const reason = "ModSecurity is not supported"
	return []Setting{
		{"enable-modsecurity", "true, false", "false", "Checks requests with ModSecurity.", refused(reason).protecting().unless(isFalse)},
		{"enable-owasp-modsecurity-crs", "true, false", "false", "Checks requests with the OWASP rules.", refused(reason).protecting().unless(isFalse)},
		{"modsecurity-snippet", "ModSecurity rules", "", "Adds rules.", refused(reason).protecting()},
	}
}

func snippetKeys() []Setting {
	return []Setting{
		{"main-snippet", "nginx configuration", "", "Adds text to the main section.", refused(nginxLanguage).protecting()},
		{"http-snippet", "nginx configuration", "", "Adds text to the http section.", refused(nginxLanguage).protecting()},
		{"server-snippet", "nginx configuration", "", "Adds text to each server.", refused(nginxLanguage).protecting()},
		{"location-snippet", "nginx configuration", "", "Adds text to each location.", refused(nginxLanguage).protecting()},
		{"stream-snippet", "nginx configuration", "", "Adds text to the stream section.", refused(nginxLanguage).protecting()},
		{"allow-snippet-annotations", "true, false", "false", "Allows annotations with snippets.", harmless("they are always refused")},
		{"annotations-risk-level", "Low, Medium, High, Critical", "High", "Refuses annotations that are riskier.", harmless("no annotation can change another's configuration")},
		{"annotation-value-word-blocklist", "words, separated by commas", "", "Refuses annotations with these words.", harmless("no annotation can change another's configuration")},
		{"strict-validate-path-type", "true, false", "true", "Refuses unusual characters in paths of type Exact and Prefix.", harmless("such paths are compared as they are written")},
		{"allow-cross-namespace-resources", "true, false", "false", "Allows annotations that name objects of other namespaces.", refused("objects of other namespaces are not read").unless(isFalse)},
		{"plugins", "names, separated by commas", "", "Loads plugins in Lua.", refused("there is no Lua")},
		{"lua-shared-dicts", "names and sizes", "", "Sizes the memory of Lua.", harmless("there is no Lua")},
	}
}

func streamKeys() []Setting {
	return []Setting{
		{"proxy-stream-timeout", "a time", "600s", "Is how long a connection of TCP may be idle.", supported("streams")},
		{"proxy-stream-next-upstream", "true, false", "true", "Tries another endpoint if one can't be reached.", supported("streams")},
		{"proxy-stream-next-upstream-timeout", "a time", "600s", "Bounds all tries together.", supported("streams")},
		{"proxy-stream-next-upstream-tries", "a number", "3", "Is how many endpoints are tried.", supported("streams")},
		{"proxy-stream-responses", "a number", "1", "Is how many datagrams answer one of UDP.", supported("streams")},
	}
}

func processKeys() []Setting {
	return []Setting{
		{"worker-processes", "a number, or auto", "auto", "Is the number of nginx's processes.", harmless(ofNginx)},
		{"worker-cpu-affinity", "masks of CPUs", "", "Binds processes to CPUs.", harmless(ofNginx)},
		{"worker-shutdown-timeout", "a time", "240s", "Bounds the end of old processes.", harmless("the flag --drain-timeout bounds what is still served")},
		{"worker-serial-reloads", "true, false", "false", "Reloads nginx once at a time.", harmless(ofNginx)},
		{"max-worker-connections", "a number", "16384", "Bounds the connections of a process.", harmless(ofNginx)},
		{"max-worker-open-files", "a number", "0", "Bounds the open files of a process.", harmless(ofNginx)},
		{"enable-multi-accept", "true, false", "true", "Accepts all waiting connections at once.", harmless(ofNginx)},
		{"enable-aio-write", "true, false", "true", "Writes files in the background.", harmless(ofNginx)},
		{"reuse-port", "true, false", "true", "Gives each process a listener.", harmless(ofNginx)},
		{"map-hash-bucket-size", "a number", "64", "Sizes a hash table.", harmless(ofNginx)},
		{"server-name-hash-max-size", "a number", "1024", "Sizes a hash table.", harmless(ofNginx)},
		{"server-name-hash-bucket-size", "a number", "64", "Sizes a hash table.", harmless(ofNginx)},
		{"variables-hash-max-size", "a number", "2048", "Sizes a hash table.", harmless(ofNginx)},
		{"variables-hash-bucket-size", "a number", "256", "Sizes a hash table.", harmless(ofNginx)},
		{"use-geoip", "true, false", "false", "Looks up the location of clients.", refused("there is no database of addresses").unless(isFalse)},
		{"use-geoip2", "true, false", "false", "Looks up the location of clients.", refused("there is no database of addresses").unless(isFalse)},
		{"geoip2-autoreload-in-minutes", "minutes", "0", "Reads the database again.", harmless("there is no database of addresses")},
	}
}
