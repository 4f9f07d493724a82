package route

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Forwarded configures which proxies in front of this one are trusted to identify the client. With the zero value none
// is: every connection's peer is the client.
type Forwarded struct {
	// TrustHeaders takes the client's address, and X-Forwarded-Proto, -Host and -Port, from requests of TrustedProxies
	// (ingress-nginx, use-forwarded-headers).
	TrustHeaders bool
	// TrustedProxies are the networks of those proxies: the client is the last address of the chain that is in none of
	// them. They also are who may send a PROXY protocol header. Networks are masked, those of IPv4 not mapped to IPv6.
	TrustedProxies []netip.Prefix
	// RealIP takes the client's address alone from requests of TrustedProxies (ingress-nginx, enable-real-ip).
	RealIP bool
	// Header is the name of the field that has the chain of addresses; "" means X-Forwarded-For.
	Header string
	// ComputeFull sends the chain that was received, with its sender's address appended, as X-Forwarded-For, in place
	// of the client's address alone (ingress-nginx, compute-full-forwarded-for).
	ComputeFull bool
	// AnyPeer takes X-Forwarded-Proto, -Host and -Port and the chain for ComputeFull from every peer, as ingress-nginx
	// does (its issue 9163), and forwards the other claims of every peer. The client's address still comes from
	// TrustedProxies alone.
	AnyPeer bool
	// OwnPort leaves the port as it is where X-Forwarded-Proto names another scheme and X-Forwarded-Port is missing, as
	// ingress-nginx does (its issue 3192). Otherwise it is that scheme's own.
	OwnPort bool
}

// Equal reports whether both settings are the same.
func (f Forwarded) Equal(other Forwarded) bool {
	return f.TrustHeaders == other.TrustHeaders && slices.Equal(f.TrustedProxies, other.TrustedProxies) &&
		f.Header == other.Header && f.RealIP == other.RealIP && f.ComputeFull == other.ComputeFull && f.AnyPeer == other.AnyPeer &&
		f.OwnPort == other.OwnPort
}

// text is the line of the table's text; "" for the zero value.
func (f Forwarded) text() string {
	var words []string
	if f.TrustHeaders {
		words = append(words, "headers")
	}
	if f.RealIP {
		words = append(words, "real-ip")
	}
	if f.Header != "" {
		words = append(words, fmt.Sprintf("header=%q", f.Header))
	}
	if f.ComputeFull {
		words = append(words, "full")
	}
	if f.AnyPeer {
		words = append(words, "any-peer")
	}
	if f.OwnPort {
		words = append(words, "own-port")
	}
	for _, prefix := range f.TrustedProxies {
		words = append(words, "from="+prefix.String())
	}
	if len(words) == 0 {
		return ""
	}
	return "forwarded " + strings.Join(words, " ")
}
