// Package forwarded determines the client of a request when other proxies are in front of this one, and the header fields that
// describe the client to the endpoint.
//
// The sender of a request is the far end of its connection, or the source that a trusted load balancer names in a PROXY
// protocol header. If the sender is not trusted, it is the client, and its forwarding fields are ignored. If it is,
// its X-Forwarded-For is followed from the right, over all field lines, to the last address that is not that of a
// trusted proxy, as nginx does with real_ip_recursive, and its X-Forwarded-Proto, -Host and -Port take the place of the
// connection's own.
//
// Nothing here allocates memory for a request whose field lines are well-formed.
package forwarded

import (
	"net/netip"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Settings are the settings of a table, compiled. The zero value trusts no sender. They are immutable.
type Settings struct {
	settings      route.Forwarded
	header        string // in lower case; "" for X-Forwarded-For
	proxyProtocol bool
}

// Compile prepares the settings of a table.
func Compile(table *route.Table) Settings {
	s := Settings{
		settings: table.Forwarded, header: strings.ToLower(table.Forwarded.Header), proxyProtocol: table.ProxyProtocol,
	}
	if s.header == "x-forwarded-for" {
		s.header = ""
	}
	return s
}

// Trusts reports whether address is that of a trusted proxy.
func (s *Settings) Trusts(address netip.Addr) bool {
	for _, prefix := range s.settings.TrustedProxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Sender is who sends the requests of a connection: peer, unless that is trusted and names another one. With the zero
// header, peer is the sender.
func (s *Settings) Sender(peer netip.Addr, header proxyprotocol.Header) netip.Addr {
	peer = plain(peer)
	if header.Source.IsValid() && s.Trusts(peer) {
		return plain(header.Source.Addr())
	}
	return peer
}

// isChain reports whether a field has the chain of addresses.
func (s *Settings) isChain(field *message.Field) bool {
	if s.header == "" {
		return field.Kind == message.XForwardedFor
	}
	return message.EqualFold(field.Name, s.header)
}

// plain is an address as networks are compared with it: without zone, and not mapped to IPv6.
func plain(address netip.Addr) netip.Addr {
	return address.Unmap().WithZone("")
}
