package route

import "net/netip"

// Protocol is that of the connections to an upstream's endpoints.
type Protocol uint8

// The protocols of upstreams.
const (
	HTTP1 Protocol = iota // HTTP/1.1 in plain text
	H2C                   // HTTP/2 in plain text by prior knowledge (RFC 9113 section 3.3)
	HTTPS                 // HTTP/1.1 over TLS
	H2                    // HTTP/2 over TLS, agreed on by ALPN (RFC 9113 section 3.2)
	FCGI                  // FastCGI 1.0 in plain text, a connection for each request
)

// Secure reports whether the protocol goes over TLS.
func (p Protocol) Secure() bool { return p == HTTPS || p == H2 }

// HTTP2 reports whether the protocol is HTTP/2.
func (p Protocol) HTTP2() bool { return p == H2C || p == H2 }

// Upstream is a set of endpoints that requests are spread over, round robin.
type Upstream struct {
	// Name by convention "namespace-service-port", as ingress-nginx names its upstreams.
	Name     string
	Protocol Protocol
	// TLS has the settings of connections to endpoints of HTTPS and H2; nil is its zero value.
	TLS       *TLS
	Endpoints []Endpoint
}

// TLS has the settings of TLS 1.2 and 1.3 connections to endpoints. With its zero value, as with ingress-nginx's
// defaults, any certificate is accepted, no server name is sent, and no client certificate is presented.
type TLS struct {
	// ServerName is the name that the endpoint's certificate must have, if Verify is set, and that is sent (SNI, RFC
	// 6066 section 3), if SendServerName is.
	ServerName     string
	SendServerName bool
	// Verify requires a certificate that chains to one of RootsPEM, over at most VerifyDepth intermediate ones.
	Verify      bool
	VerifyDepth int
	RootsPEM    []byte
	// MinVersion, MaxVersion and Ciphers restrict what is offered, as those of ClientTLS do.
	MinVersion, MaxVersion uint16
	Ciphers                []uint16
	// Certificate is presented to endpoints that request one; nil presents none. Its Hosts mean nothing.
	Certificate *Certificate
}

// Endpoint is one address that serves an upstream.
type Endpoint struct {
	Address netip.AddrPort
	// Pod is shown in dumps and logs; it may be empty.
	Pod string
}
