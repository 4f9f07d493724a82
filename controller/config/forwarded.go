package config

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Clients is how clients, and proxies in front of the controller, are identified.
type Clients struct {
	// Forwarded is the zero value where neither forwarded headers nor the PROXY protocol are in use, but for Header.
	Forwarded route.Forwarded
	// ProxyProtocol requires a PROXY protocol header from every client.
	ProxyProtocol bool
	// NoRequestIDs makes no X-Request-ID for requests that have none.
	NoRequestIDs bool
	// UnderscoresInHeaders accepts request headers whose names have underscores.
	UnderscoresInHeaders bool
}

func parseClients(r *setting.Reader, mode compatibility.Mode) Clients {
	clients := Clients{
		ProxyProtocol:        r.Bool("use-proxy-protocol", false),
		NoRequestIDs:         !r.Bool("generate-request-id", true),
		UnderscoresInHeaders: r.Bool("enable-underscores-in-headers", false),
	}
	forwarded := route.Forwarded{
		TrustHeaders: r.Bool("use-forwarded-headers", false),
		RealIP:       r.Bool("enable-real-ip", false),
		Header:       r.Checked("forwarded-for-header", setting.IsToken, "it must be the name of a request header"),
		ComputeFull:  r.Bool("compute-full-forwarded-for", false),
	}
	if strings.EqualFold(forwarded.Header, "X-Forwarded-For") {
		forwarded.Header = ""
	}
	trusted := parseTrustedProxies(r)
	if forwarded.TrustHeaders || forwarded.RealIP || clients.ProxyProtocol {
		forwarded.TrustedProxies = trusted
	}
	forwarded.AnyPeer = forwarded.TrustHeaders && mode.Reproduces(compatibility.ForwardedFromAll)
	forwarded.OwnPort = forwarded.TrustHeaders && mode.Reproduces(compatibility.ForwardedPort)
	forwarded.ComputeFull = forwarded.ComputeFull && forwarded.TrustHeaders
	clients.Forwarded = forwarded
	return clients
}

// parseTrustedProxies reads the networks whose statements about clients are trusted: all, unless the setting says
// otherwise (ingress-nginx's default is 0.0.0.0/0, which leaves out proxies that connect over IPv6). If one of them is
// not valid, none is trusted, because a network that is missing changes which address of a chain is the client's.
func parseTrustedProxies(r *setting.Reader) []netip.Prefix {
	const name = "proxy-real-ip-cidr"
	text, _ := r.Text(name)
	if text == "" {
		return []netip.Prefix{
			netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0),
		}
	}
	var prefixes []netip.Prefix
	for item := range strings.SplitSeq(text, ",") {
		prefix, ok := setting.Network(strings.TrimSpace(item))
		if !ok {
			r.Invalid(name, text, fmt.Sprintf("%q is not a network such as 10.0.0.0/8; no proxy is trusted", setting.Shorten(item)))
			return nil
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}
