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
	// Disconnect pulls out the network cable of a node without control plane, and returns the function that plugs it in
	// again. That function must be called, also if ctx has ended.
	Disconnect(ctx context.Context, node string) (reconnect func(context.Context) error, err error)
}
