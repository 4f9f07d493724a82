package clusters

import (
	"context"
	"net/netip"
)

// LoadBalancers is a Cluster that gives Services of type LoadBalancer addresses, each of which one of its nodes announces
// (layer 2 mode of MetalLB). The Client reaches these addresses, and requests get to a node as the Client sent them.
type LoadBalancers interface {
	// AnnouncingNode returns the node that announces an address. It is "" while none does.
	AnnouncingNode(ctx context.Context, address netip.Addr) (string, error)
}
