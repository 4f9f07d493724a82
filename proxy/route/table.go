// Package route is the model of what the data plane does: plain values for routes, upstreams with their endpoints, and
// certificates.
//
// A Table is made by a front-end that knows where routes come from (package controller translates Kubernetes objects)
// and handed to package proxy, which compiles it. Tables are immutable once handed over. They hold no pointer into the
// front-end's data, are comparable with Equal and printable with WriteText, so that a translation can be tested against
// a text file.
package route

import "github.com/ingress-testbed/testbed/proxy/quirk"

// Table is the whole configuration of the data plane.
type Table struct {
	// Hosts, each name once. Order has no meaning.
	Hosts []Host
	// Unrouted are the policies of requests that no route matches, which are answered with 404 (Not Found).
	Unrouted []Policy
	// HealthPath is a decoded path that is answered with 200 for hosts that no entry of Hosts names, unless a route has just
	// this path: load balancers check the proxy on the ports that it serves, by its address. "" is none.
	HealthPath string
	// RawPaths forwards paths as they were sent, instead of their normalised form.
	RawPaths bool
	// Upstreams, each name once. Routes refer to them by name, so that a change of endpoints changes nothing else.
	Upstreams []Upstream
	// Certificates, in order of preference: of two that name the same host, the earlier one is served.
	Certificates []Certificate
	// DefaultCertificate is served to clients with an unknown server name; nil makes the proxy generate one.
	DefaultCertificate *Certificate
	// ClientAuthorities has the hosts whose clients are asked for a certificate, each once. What it is good for is decided by
	// the policies of routes.
	ClientAuthorities []ClientAuthorities
	// Streams are the ports whose connections or datagrams are forwarded as they are: one for each transport and port.
	Streams []Stream
	// Passthroughs are the hosts whose TLS connections are forwarded as they are, each once.
	Passthroughs []Passthrough
	// Forwarded configures the trust in other proxies.
	Forwarded Forwarded
	// ClientTLS restricts the TLS of clients, each host once.
	ClientTLS []HostTLS
	// AccessLog is which requests are logged, and how.
	AccessLog AccessLog
	// ProxyProtocol requires a PROXY protocol header (version 1 or 2) at the start of every connection, and closes
	// those without one. It applies to connections that are accepted after the table.
	ProxyProtocol bool
	// NoRequestIDs makes no X-Request-ID for requests that have none.
	NoRequestIDs bool
	// UnderscoresInHeaders accepts request fields whose names have underscores.
	UnderscoresInHeaders bool
	// RequestHeaders bounds the headers of requests. Over HTTP/2 it applies to connections that are accepted after the table,
	// and so do Quirks that are about reading requests.
	RequestHeaders HeaderLimits
	// Quirks are what is done as by ingress-nginx.
	Quirks quirk.Set
}

// HeaderLimits bound the header of a request. A zero leaves one to the proxy's configuration, which has none for lines.
type HeaderLimits struct {
	// Bytes of the whole header, and of its longest Line.
	Bytes, Line int
	// Fields is the largest number of fields.
	Fields int
}

// Host is one virtual host.
type Host struct {
	// Name in lower case and without port: "gyull.com"; "*.gyull.com", where the star stands for exactly one label
	// (Ingress v1, "Hostname wildcards"); or "" for every host that no other entry names.
	Name string
	// Routes, each Match once. Their order decides between matches of the same path that are equally specific.
	Routes []Route
}

// Route matches requests of a host, applies policies to them and answers them.
type Route struct {
	Match Match
	// Policies run in the order of their stages (package policy), whatever their order here.
	Policies []Policy
	Action   Action
	// Source is the object that the route was made from.
	Source ObjectRef
}

// Policy is one thing that is done with the requests of a route besides answering them. Package policy has the
// implementations.
type Policy interface {
	// Text is the policy with all its settings in one line, for dumps and golden files.
	Text() string
	// Equal reports whether the other policy does exactly the same.
	Equal(other Policy) bool
}

// ObjectRef names an object outside the proxy. It is shown in dumps, logs and metrics and decides nothing.
type ObjectRef struct {
	Kind, Namespace, Name string
}

// ClientAuthorities are the authorities that are sent to the clients of a host when a certificate is requested.
type ClientAuthorities struct {
	Host     string // as in Host.Name
	RootsPEM []byte
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
