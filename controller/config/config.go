// Package config reads the settings of users: the controller's ConfigMap, and the annotations of an Ingress, which override
// it. Keys and values are those of ingress-nginx; package setting has the table of all of them. Each feature has a file
// of its own here; what restricts access is read by package protection, and what changes replies by package replies. An
// invalid value is ignored and reported as a Fault; no function returns an error.
package config

import (
	"cmp"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/mirroring"
	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/replies"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/compress"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// DefaultPrefix is the prefix of annotations unless the flag --annotations-prefix sets another.
const DefaultPrefix = "nginx.ingress.kubernetes.io"

// Global holds the settings of the ConfigMap.
type Global struct {
	// Mode is which behaviour of ingress-nginx is reproduced; it is not in the ConfigMap.
	Mode     compatibility.Mode
	Redirect Redirect
	Timeouts Timeouts
	// MaxBodyBytes is the largest request body; 0 means no limit.
	MaxBodyBytes int64
	// RequestHeaders are the limits of requests' headers, ReplyHeader is the largest header of a reply in bytes; the zero values
	// leave them to the proxy.
	RequestHeaders route.HeaderLimits
	ReplyHeader    int
	// HSTS is the value of Strict-Transport-Security; "" sends none.
	HSTS string
	// Compression of replies, the preferred coding first.
	Compression []compress.Settings
	Clients     Clients
	// ClientTLS restricts the TLS of clients, where an Ingress does not.
	ClientTLS route.ClientTLS
	// AccessLog is which requests are logged, and how.
	AccessLog route.AccessLog
	// Streams are the limits of the ports of TCP and UDP services.
	Streams route.StreamLimits
	Retry   policy.Retry
	// RetryAlways retries requests of all methods, whatever the annotations are.
	RetryAlways bool
	Access      protection.Global
	Replies     replies.Global
	// HTTP10 sends backends requests in HTTP/1.0.
	HTTP10 bool
	// Balancing is the default of Ingresses.
	Balancing Balancing
	Limits    protection.Limits
	// Denied is that of Ingress, for all of them.
	Denied string
}

// Ingress holds the settings of one Ingress: its annotations, with the ConfigMap's values as defaults.
type Ingress struct {
	Canary       *Canary         // nil: this Ingress is not a canary
	Affinity     policy.Affinity // the zero value: sessions are not kept
	Redirect     Redirect
	Rewrite      Rewrite
	Aliases      []string // further names of the first host
	Timeouts     Timeouts
	MaxBodyBytes int64
	ReplyHeader  int // as in Global
	// UpstreamHost is what backends get as Host, with variables that Target.Fill replaces; "" leaves them the client's.
	UpstreamHost string
	// Protocol to backends, if ProtocolGiven; otherwise it is that of their Services' appProtocol.
	Protocol      route.Protocol
	ProtocolGiven bool
	// AutoProtocol has the backends of requests over HTTPS spoken to over TLS, and those of others in plain text.
	AutoProtocol bool
	FastCGI      FastCGI
	BackendTLS   BackendTLS
	Retry        policy.Retry // the zero value leaves it to the proxy
	Replies      replies.Settings
	Balancing    Balancing
	// ClientTLS restricts the TLS of the clients of its hosts.
	ClientTLS route.ClientTLS
	// NotLogged leaves requests out of the access log.
	NotLogged bool
	// Passthrough forwards TLS connections to the backend as they are.
	Passthrough bool
	// Mirror gets copies of requests.
	Mirror mirroring.Mirror
	// HTTP10 forwards requests to backends in HTTP/1.0, unless their protocol is HTTP/2.
	HTTP10 bool
	Access protection.Settings
	Limits protection.Limits
	// Denied is why the paths must be denied: a setting that restricts access is not supported or has a wrong value. ""
	// if that is not so.
	Denied string
}

// ParseConfigMap reads the global settings. Faults are in the order of their keys.
func ParseConfigMap(mode compatibility.Mode, data map[string]string) (Global, []setting.Fault) {
	r := setting.NewReader(setting.ConfigMap(), "", data)
	global := readGlobal(mode, r)
	global.Denied = r.Denied()
	return global, r.Faults()
}

func readGlobal(mode compatibility.Mode, r *setting.Reader) Global {
	always := r.Bool("retry-non-idempotent", false)
	return Global{
		Mode:           mode,
		Redirect:       parseRedirect(r, defaultRedirect(mode)),
		Timeouts:       parseTimeouts(r, Timeouts{}),
		MaxBodyBytes:   parseBodySize(r, defaultBodySize),
		ReplyHeader:    parseReplyHeader(r, mode, defaultReplyHeader),
		RequestHeaders: parseRequestHeaders(r, mode),
		HSTS:           parseHSTS(r),
		Compression:    parseCompression(r),
		Clients:        parseClients(r, mode),
		Streams:        parseStreams(r),
		AccessLog:      parseAccessLog(r),
		ClientTLS:      parseClientTLS(r),
		Retry:          parseRetry(r, policy.Retry{}, always),
		RetryAlways:    always,
		Access:         protection.ReadGlobal(r),
		Replies:        replies.ReadGlobal(r),
		Balancing:      parseBalancing(r, Balancing{}),
		HTTP10:         parseHTTP10(r, false),
		Limits:         protection.ReadGlobalLimits(r),
	}
}

// ParseAnnotations reads the annotations of an Ingress. Faults are in the order of their keys.
func ParseAnnotations(prefix string, annotations map[string]string, global Global) (Ingress, []setting.Fault) {
	r := setting.NewReader(setting.Annotations(), prefix+"/", annotations)
	ingress := readIngress(r, global)
	ingress.Denied = cmp.Or(r.Denied(), global.Denied)
	return ingress, r.Faults()
}

func readIngress(r *setting.Reader, global Global) Ingress {
	ingress := Ingress{
		Canary:       parseCanary(r, global.Mode),
		Affinity:     parseAffinity(r, global.Mode),
		Redirect:     parseRedirect(r, global.Redirect),
		Rewrite:      parseRewrite(r),
		Aliases:      parseAliases(r),
		Timeouts:     parseTimeouts(r, global.Timeouts),
		MaxBodyBytes: parseBodySize(r, global.MaxBodyBytes),
		ReplyHeader:  parseReplyHeader(r, global.Mode, global.ReplyHeader),
		UpstreamHost: parseUpstreamHost(r),
		BackendTLS:   parseBackendTLS(r, global.Mode),
		Retry:        parseRetry(r, global.Retry, global.RetryAlways),
		Passthrough:  r.Bool("ssl-passthrough", false),
		NotLogged:    !r.Bool("enable-access-log", true),
		ClientTLS:    parseCiphers(r, global.ClientTLS),
		Access:       protection.Read(r, &global.Access),
		Replies:      replies.Read(r, global.Replies),
		Balancing:    parseBalancing(r, global.Balancing),
		Mirror:       mirroring.Read(r),
		HTTP10:       parseHTTP10(r, global.HTTP10),
		Limits:       protection.ReadLimits(r, global.Limits),
		FastCGI:      parseFastCGI(r),
	}
	ingress.Protocol, ingress.ProtocolGiven, ingress.AutoProtocol = parseProtocol(r)
	return ingress
}

// HeaderMaps returns the ConfigMaps with header fields that an Ingress's annotations name.
func HeaderMaps(prefix string, annotations map[string]string) []types.NamespacedName {
	return configMapsOf(annotations, prefix+"/custom-headers", prefix+"/auth-proxy-set-headers")
}

// GlobalHeaderMaps is HeaderMaps for the ConfigMap.
func GlobalHeaderMaps(data map[string]string) []types.NamespacedName {
	return configMapsOf(data, "proxy-set-headers", "add-headers")
}

func configMapsOf(values map[string]string, keys ...string) []types.NamespacedName {
	var names []types.NamespacedName
	for _, key := range keys {
		if namespace, name, ok := strings.Cut(strings.TrimSpace(values[key]), "/"); ok {
			names = append(names, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	return names
}
