package mutants

import (
	"path"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/steps/inprocess"
)

// meant returns the scenarios that are about a subject: patterns (path.Match) of the annotations that they are tagged with, and
// names of feature files. It is nil for a subject that is not known.
func meant(subject string) []string {
	switch subject {
	case "access.Addresses":
		return []string{"@*list-source-range", "@satisfy"}
	case "access.Any":
		return []string{"@satisfy"}
	case "access.Basic":
		return []string{"@auth-type", "@auth-realm", "@auth-secret*", "@satisfy"}
	case "access.Block":
		return []string{"block.feature"}
	case "access.ClientCertificate":
		return []string{"@auth-tls-*"}
	case "access.External":
		return []string{"external-authentication.feature", "@satisfy"}
	case "limits.Connections", "limits.Rate":
		return []string{"@limit-*"}
	case "limits.Throttle":
		return []string{"@limit-rate*"}
	case "mirroring.Mirror":
		return []string{"@mirror-*"}
	case "policy.Affinity":
		return []string{"@affinity*", "@session-cookie-*"}
	case "policy.BodySize":
		return []string{"@proxy-body-size", "errors.feature"}
	case "policy.Compress":
		return []string{"compression.feature", "brotli.feature"}
	case "policy.ErrorPages":
		return []string{"@custom-http-errors", "@default-backend", "@disable-proxy-intercept-errors"}
	case "policy.HSTS":
		return []string{"tls.feature", "@difference:hsts-gaps"}
	case "policy.NotLogged":
		return []string{"@enable-access-log"}
	case "policy.RedirectToHTTPS":
		return []string{"@*ssl-redirect", "@preserve-trailing-slash", "tls.feature"}
	case "policy.ReplyHeader":
		return []string{"@proxy-buffer-size"}
	case "policy.Retry":
		return []string{"@proxy-next-upstream*", "retries.feature"}
	case "policy.Timeouts":
		return []string{"@proxy-*-timeout", "errors.feature"}
	case "policy.UpstreamHost":
		return []string{"@upstream-vhost"}
	}
	return append(meantOfMessages(subject), meantOfModel(subject)...)
}

// meantOfMessages is meant for policies that change requests and replies.
func meantOfMessages(subject string) []string {
	switch subject {
	case "redirecting.All":
		return []string{"@*-redirect", "@*-redirect-code"}
	case "redirecting.Root":
		return []string{"@app-root"}
	case "replying.CORS":
		return []string{"@*cors*"}
	case "replying.Cookies":
		return []string{"@proxy-cookie-*"}
	case "replying.Field":
		return []string{"@custom-headers", "headers.feature"}
	case "replying.Hide", "replying.Server":
		return []string{"headers.feature"}
	case "replying.Location":
		return []string{"@proxy-redirect-*"}
	case "rewriting.Connection":
		return []string{"@connection-proxy-header"}
	case "rewriting.FastCGI":
		return []string{"@fastcgi-*", "fastcgi.feature"}
	case "rewriting.Field":
		return []string{"headers.feature", "forwarded.feature"}
	case "rewriting.ForwardedPrefix":
		return []string{"@x-forwarded-prefix"}
	case "rewriting.HTTP10":
		return []string{"@proxy-http-version"}
	case "rewriting.Path":
		return []string{"@rewrite-target", "@use-regex", "@x-forwarded-prefix"}
	case "selecting.HashBy":
		return []string{"@upstream-hash-by*"}
	case "selecting.Latency":
		return []string{"@load-balance"}
	}
	return nil
}

// meantOfModel is meant for the parts of tables.
func meantOfModel(subject string) []string {
	switch subject {
	case "host.Wildcard":
		return []string{"hosts.feature", "path-types.feature", "@server-alias"}
	case "path.Exact", "path.Prefix":
		return []string{"paths.feature", "path-types.feature", "@difference:slash-redirect"}
	case "path.Regex", "path.IgnoreCase":
		return []string{"@use-regex", "@rewrite-target", "@x-forwarded-prefix"}
	case "action.Redirect":
		return []string{"@from-to-www-redirect", "@difference:slash-redirect"}
	case "upstream.Protocol", "backend.Secure":
		return []string{"@backend-protocol", "@proxy-ssl-*", "fastcgi.feature"}
	case "table.AccessLog":
		return []string{"access-log.feature"}
	case "table.Certificates", "table.DefaultCertificate":
		return []string{"tls.feature", "passthrough.feature", "@auth-tls-*", "@*ssl-redirect", "@preserve-trailing-slash"}
	case "table.ClientAuthorities":
		return []string{"@auth-tls-*"}
	case "table.ClientTLS":
		return []string{"tls-versions.feature", "@ssl-ciphers"}
	case "table.Forwarded", "table.NoRequestIDs", "table.ProxyProtocol", "table.UnderscoresInHeaders":
		return []string{"forwarded.feature", "@difference:forwarded-*"}
	case "table.Passthroughs":
		return []string{"passthrough.feature"}
	case "table.Quirks", "table.RequestHeaders":
		return []string{"headers.feature", "forwarded.feature", "compatibility.feature"}
	case "table.HealthPath":
		return []string{"hosts.feature"}
	case "table.RawPaths":
		return []string{"path-types.feature", "compatibility.feature"}
	case "table.Streams":
		return []string{"streams.feature"}
	case "table.Unrouted":
		return []string{"headers.feature", "compression.feature", "tls.feature"}
	}
	switch {
	case strings.HasPrefix(subject, "upstream.TLS."):
		return []string{"@proxy-ssl-*"}
	case strings.HasPrefix(subject, "canary"):
		return []string{"@canary*"}
	}
	return nil
}

// needed returns the scenarios that are about something else, but can't do without the subject, as meant does.
func needed(subject string) []string {
	switch subject {
	case "policy.RedirectToHTTPS": // it forbids HTTPS when it is inverted
		return []string{"client-certificates.feature", "passthrough.feature", "websocket.feature"}
	case "access.ClientCertificate", "table.ClientAuthorities": // the controller is the backend, and asks itself for a certificate
		return []string{"@proxy-ssl-secret"}
	case "policy.UpstreamHost": // the controller is the backend, with another host
		return []string{"@proxy-ssl-secret", "@proxy-ssl-verify-depth", "@proxy-ssl-protocols"}
	case "table.Certificates":
		return []string{"@proxy-ssl-verify-depth"}
	case "table.ClientTLS":
		return []string{"@proxy-ssl-protocols"}
	case "path.Prefix": // an Ingress has a part of another one's paths
		return []string{"@whitelist-source-range"}
	}
	return nil
}

// annotation is what tags of annotations begin with.
const annotation = "@annotation:"

// isMeant reports whether a scenario is about a subject.
func isMeant(subject string, scenario inprocess.Scenario) bool {
	return matches(meant(subject), scenario)
}

// isOther reports whether a scenario must not fail without a subject: it is about something else, and doesn't need it.
func isOther(subject string, scenario inprocess.Scenario) bool {
	return !isMeant(subject, scenario) && !matches(needed(subject), scenario)
}

// matches reports whether one of the patterns is that of a scenario's file, or of one of its tags.
func matches(patterns []string, scenario inprocess.Scenario) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if path.Base(scenario.URI) == pattern {
			return true
		}
		return slices.ContainsFunc(scenario.Tags, func(tag string) bool {
			if name, is := strings.CutPrefix(tag, annotation); is {
				tag = "@" + name
			}
			matched, _ := path.Match(pattern, tag) // patterns are constants; a test reads them all
			return matched
		})
	})
}
