// Package hostclient makes this machine the client outside the cluster, for clusters whose nodes it can reach.
package hostclient

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/ingress-testbed/testbed/clusters"
)

// Client is this machine.
type Client struct{ address netip.Addr }

var _ clusters.Client = Client{}

// New finds the source address with which packets leave this machine for the target. It sends none.
func New(ctx context.Context, target netip.Addr) (Client, error) {
	const anyPort = 9 // a datagram socket is connected to say where it would send; nothing is sent
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", netip.AddrPortFrom(target, anyPort).String())
	if err != nil {
		return Client{}, fmt.Errorf("finding the route from this machine to %s: %w", target, err)
	}
	defer conn.Close()
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return Client{}, fmt.Errorf("reading this machine's address towards %s: %w", target, err)
	}
	return Client{local.Addr().Unmap()}, nil
}

// At is this machine where it is known, or known not to be known, under which address the nodes see it.
func At(address netip.Addr) Client { return Client{address} }

// Addr is the source address that packets carry when they reach a node; the zero Addr if that isn't known.
func (c Client) Addr() netip.Addr { return c.address }

// DialContext opens a connection.
func (c Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}
