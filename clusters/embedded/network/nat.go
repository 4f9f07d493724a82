package network

import (
	"context"
	"fmt"

	"sigs.k8s.io/knftables"

	"github.com/ingress-testbed/testbed/clusters/embedded/plan"
)

const natTable = "public-addresses"

// translatePublicAddresses gives every node a public address, one to one, as a cloud's internet gateway does: the
// node itself only knows its address on the LAN, and a client's address is left as it is.
func (n *Namespace) translatePublicAddresses(ctx context.Context, p plan.Network) error {
	return n.Do(func() error {
		nft, err := knftables.New(knftables.IPv4Family, natTable)
		if err != nil {
			return fmt.Errorf("reaching nftables: %w", err)
		}
		tx := nft.NewTransaction()
		tx.Add(&knftables.Table{})
		chain := func(name string, hook knftables.BaseChainHook, priority knftables.BaseChainPriority) {
			tx.Add(&knftables.Chain{
				Name: name, Type: knftables.PtrTo(knftables.NATType),
				Hook: knftables.PtrTo(hook), Priority: knftables.PtrTo(priority),
			})
		}
		chain("prerouting", knftables.PreroutingHook, knftables.DNATPriority)
		chain("postrouting", knftables.PostroutingHook, knftables.SNATPriority)
		for i, node := range p.Nodes {
			tx.Add(&knftables.Rule{
				Chain: "prerouting",
				Rule:  knftables.Concat("ip daddr", p.Public(i).String(), "dnat to", node.Address.String()),
			})
			tx.Add(&knftables.Rule{
				Chain: "postrouting",
				Rule: knftables.Concat("oifname", internetInterface,
					"ip saddr", node.Address.String(), "snat to", p.Public(i).String()),
			})
		}
		if err := nft.Run(ctx, tx); err != nil {
			return fmt.Errorf("translating public addresses: %w", err)
		}
		return nil
	})
}
