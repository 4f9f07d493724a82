// Package route is the model of what the data plane does: plain values that say which request goes to which
// endpoints, and which certificate a host is served with.
//
// A Table is made by somebody who knows where routes come from (package controller translates Kubernetes objects to
// one) and handed to package proxy, which compiles it. Tables are immutable once handed over. They hold no pointer
// into their maker's data, are comparable with Equal and printable with WriteText, so that a translation can be
// tested against a text file.
package route

import (
	"net/netip"
	"time"
)

// Table is everything the data plane knows.
type Table struct {
	// Hosts, each name once. Order has no meaning.
	Hosts []Host
	// Upstreams, each name once. Routes refer to them by name, so that a change of endpoints changes nothing else.
	Upstreams []Upstream
	// Certificates, in order of preference: of two that name the same host, the earlier one is served.
	Certificates []Certificate
	// DefaultCertificate is served to a client that names no known host; nil makes the proxy use one of its own.
	DefaultCertificate *Certificate
	// Forwarded says what other proxies may state about clients.
	Forwarded Forwarded
	// ProxyProtocol wants a PROXY protocol header (version 1 or 2) at the start of every connection, and closes those
	// without one. It applies to connections that are accepted after the table.
	ProxyProtocol bool
	// UnderscoresInHeaders accepts request fields whose names have underscores.
	UnderscoresInHeaders bool
}

// Host is one virtual host.
type Host struct {
	// Name in lower case and without port: "gyull.com"; "*.gyull.com", where the star stands for exactly one label
	// (Ingress v1, "Hostname wildcards"); or "" for every host that no other entry names.
	Name string
	// Routes, each Match and Path together once. Order has no meaning.
	Routes []Route
}

// PathMatch says how a path is compared (Ingress v1, "Path types").
type PathMatch uint8

const (
	// Prefix compares by path element: "/a" matches "/a", "/a/" and "/a/b", not "/ab". The longest prefix wins.
	Prefix PathMatch = iota
	// Exact compares the whole path and beats every prefix.
	Exact
)

// Route sends the requests for one path of a host to a backend.
type Route struct {
	Path   string
	Match  PathMatch
	Policy Policy
	// Backend serves the route, unless Canary claims the request.
	Backend Backend
	// Canary, where there is one, is asked first.
	Canary *Canary
}

// Backend is an upstream and the object it stands for.
type Backend struct {
	// Upstream names an entry of Table.Upstreams. A name that is not there, like an upstream without endpoints,
	// answers 503 (Service Unavailable, RFC 9110 section 15.6.4).
	Upstream string
	// Origin is shown in dumps, logs and metrics; it decides nothing.
	Origin Origin
}

// Origin says which objects a backend was made from.
type Origin struct {
	Namespace string // of the Ingress
	Ingress   string
	Service   string
	Port      string // as the Ingress writes it: a number or a name
}

// Canary diverts part of a route's requests to another backend. The rules are asked in the order of the fields; the
// first that decides wins (ingress-nginx, "Canary": by header, by cookie, by weight).
type Canary struct {
	Backend Backend
	// Header is the name of a request header; "" for none. If HeaderValue is set, a request whose header equals it
	// is diverted; else if HeaderPattern is set, one whose header matches that regular expression (RE2 syntax) is;
	// else "always" diverts and "never" doesn't. Any other value decides nothing.
	Header        string
	HeaderValue   string
	HeaderPattern string
	// Cookie is the name of a cookie whose value "always" diverts and "never" doesn't; "" for none.
	Cookie string
	// Weight of WeightTotal requests, drawn at random for each, are diverted. WeightTotal 0 means 100.
	Weight, WeightTotal int
}

// Policy is how a route treats its requests. The zero value is the plain reverse proxy.
type Policy struct {
	// RedirectToHTTPS answers plain-text requests with 308 (Permanent Redirect, RFC 9110 section 15.4.9).
	RedirectToHTTPS bool
	// HSTS is the value of Strict-Transport-Security (RFC 6797) in replies over TLS; "" sends none.
	HSTS string
	// Affinity keeps a client on one endpoint; nil does not.
	Affinity *Affinity
	// MaxBodyBytes is the largest request body; a larger one gets 413. 0 means no limit.
	MaxBodyBytes int64
	// ConnectTimeout and ResponseTimeout bound the connection to an endpoint and the wait for its header;
	// exceeding the latter is 504. 0 means the proxy's own default.
	ConnectTimeout, ResponseTimeout time.Duration
}

// Affinity is a session kept by a cookie.
type Affinity struct {
	Cookie   string        // its name
	Path     string        // "" means "/"
	MaxAge   time.Duration // 0 makes it a session cookie
	SameSite string        // "", "Lax", "Strict" or "None"
	Secure   bool
}

// Protocol is what an upstream's endpoints speak.
type Protocol uint8

// The protocols of upstreams.
const (
	HTTP1 Protocol = iota // HTTP/1.1 in plain text
	H2C                   // HTTP/2 in plain text by prior knowledge (RFC 9113 section 3.3)
	HTTPS                 // HTTP/1.1 over TLS
	H2                    // HTTP/2 over TLS, agreed on by ALPN (RFC 9113 section 3.2)
)

// Secure says whether the protocol goes over TLS.
func (p Protocol) Secure() bool { return p == HTTPS || p == H2 }

// HTTP2 says whether the protocol is HTTP/2.
func (p Protocol) HTTP2() bool { return p == H2C || p == H2 }

// Upstream is a set of endpoints that requests are spread over, round robin.
type Upstream struct {
	// Name by convention "namespace-service-port", as ingress-nginx names its upstreams.
	Name     string
	Protocol Protocol
	// TLS says how endpoints of HTTPS and H2 are spoken to; nil is its zero value.
	TLS       *TLS
	Endpoints []Endpoint
}

// TLS is how endpoints are spoken to over TLS 1.2 or 1.3. With its zero value, as with ingress-nginx's defaults, any
// certificate will do, no name is sent, and no certificate is shown.
type TLS struct {
	// ServerName is the name that the endpoint's certificate must have, if Verify is set, and that is sent (SNI, RFC
	// 6066 section 3), if SendServerName is.
	ServerName     string
	SendServerName bool
	// Verify wants a certificate that RootsPEM vouches for, over at most VerifyDepth intermediate ones.
	Verify      bool
	VerifyDepth int
	RootsPEM    []byte
	// Certificate is shown to endpoints that ask for one; nil shows none. Its Hosts mean nothing.
	Certificate *Certificate
}

// Endpoint is one address that serves an upstream.
type Endpoint struct {
	Address netip.AddrPort
	// Pod is shown in dumps and logs; it may be empty.
	Pod string
}

// Certificate is a chain and its key as PEM text, and the hosts it is for.
type Certificate struct {
	// Origin is "namespace/name" of what it came from, shown in dumps.
	Origin string
	// Hosts as in Host.Name. If empty, the names in the certificate itself are used.
	Hosts    []string
	ChainPEM []byte
	KeyPEM   []byte
}
