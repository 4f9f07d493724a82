// Package config reads what users set: the controller's ConfigMap, and the annotations of an Ingress, which override
// it. Keys and values are those of ingress-nginx. Each feature has a file of its own. An invalid value counts as not
// given and is reported as a Fault; no function returns an error.
//
// Annotations, after the prefix (nginx.ingress.kubernetes.io by default):
//
//	canary, canary-by-header, -by-header-value, -by-header-pattern, -by-cookie, canary-weight, -weight-total
//	affinity, affinity-mode, affinity-canary-behavior, session-cookie-name, -path, -max-age, -samesite, -secure
//	ssl-redirect, force-ssl-redirect, proxy-connect-timeout, proxy-read-timeout, proxy-body-size
//	upstream-vhost, backend-protocol, proxy-ssl-secret, proxy-ssl-name, -server-name, -verify, -verify-depth
//
// Keys of the ConfigMap: ssl-redirect, force-ssl-redirect, proxy-connect-timeout, proxy-read-timeout, proxy-body-size,
// hsts, hsts-max-age, hsts-include-subdomains, hsts-preload, use-forwarded-headers, proxy-real-ip-cidr,
// forwarded-for-header, compute-full-forwarded-for, use-proxy-protocol, enable-underscores-in-headers. Any other key is
// reported as unsupported; the paths of an Ingress with an annotation for access control are denied.
package config

import (
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// DefaultPrefix is what annotations begin with unless the user chose otherwise.
const DefaultPrefix = "nginx.ingress.kubernetes.io"

// Global holds the settings of the ConfigMap.
type Global struct {
	Redirect Redirect
	Timeouts Timeouts
	// MaxBodyBytes is the largest request body; 0 means no limit.
	MaxBodyBytes int64
	// HSTS is the value of Strict-Transport-Security; "" sends none.
	HSTS    string
	Clients Clients
}

// Ingress holds the settings of one Ingress: its annotations, with the ConfigMap's values as defaults.
type Ingress struct {
	Canary       *Canary         // nil: this Ingress is not a canary
	Affinity     policy.Affinity // the zero value: sessions are not kept
	Redirect     Redirect
	Timeouts     Timeouts
	MaxBodyBytes int64
	// UpstreamHost is what backends get as Host; "" leaves them the client's.
	UpstreamHost string
	// Protocol to backends, if ProtocolGiven; otherwise it is that of their Services' appProtocol.
	Protocol      route.Protocol
	ProtocolGiven bool
	BackendTLS    BackendTLS
	// Unprotected names an unsupported annotation for access control, without its prefix; "" if
	// there is none. Its paths must be denied.
	Unprotected string
}

// Timeouts of a route; 0 leaves it to the proxy.
type Timeouts struct {
	Connect, Response time.Duration
}

// ParseConfigMap reads the global settings. Faults are in the order of their keys.
func ParseConfigMap(data map[string]string) (Global, []Fault) {
	r := newReader("", data)
	global := Global{
		Redirect:     parseRedirect(r, Redirect{IfCertificate: true}),
		Timeouts:     parseTimeouts(r, Timeouts{}),
		MaxBodyBytes: parseBodySize(r, defaultBodySize),
		HSTS:         parseHSTS(r),
		Clients:      parseClients(r),
	}
	return global, r.leftovers()
}

// ParseAnnotations reads the annotations of an Ingress. Faults are in the order of their keys.
func ParseAnnotations(prefix string, annotations map[string]string, global Global) (Ingress, []Fault) {
	r := newReader(prefix+"/", annotations)
	ingress := Ingress{
		Canary:       parseCanary(r),
		Affinity:     parseAffinity(r),
		Redirect:     parseRedirect(r, global.Redirect),
		Timeouts:     parseTimeouts(r, global.Timeouts),
		MaxBodyBytes: parseBodySize(r, global.MaxBodyBytes),
		UpstreamHost: parseUpstreamHost(r),
		BackendTLS:   parseBackendTLS(r),
		Unprotected:  parseProtection(r),
	}
	ingress.Protocol, ingress.ProtocolGiven = parseProtocol(r)
	return ingress, r.leftovers()
}
