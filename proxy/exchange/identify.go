package exchange

import (
	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
)

// identify describes a connection by its peer and, where that is trusted, by what its PROXY protocol header states.
func identify(options *Options, peer downstream.Peer) *forwarded.Connection {
	settings := options.Table().Forwarded()
	scheme, port := "http", options.HTTPPort
	if peer.Secure {
		scheme, port = "https", options.HTTPSPort
	}
	// As with ingress-nginx, a load balancer that terminates TLS shows it by the port that its client has connected to.
	if peer.Stated.Destination.Port() == 443 && settings.Trusts(peer.Address.Unmap()) {
		scheme = "https"
	}
	return forwarded.NewConnection(settings.Sender(peer.Address, peer.Stated), scheme, port)
}
