//go:build linux

package network

import (
	"context"
	"fmt"

	"sigs.k8s.io/knftables"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

const internetGateway = "internet-gateway"

// connectInternet gives every node a public address, one to one, as a cloud's internet gateway does: the node itself
// only has its LAN address, and the client's address is not translated. Private addresses can't be reached from the
// internet; addresses of load balancers can, and are not translated.
func (n *Namespace) connectInternet(ctx context.Context, p addressplan.Network) error {
	return n.Do(func() error {
		nft, err := knftables.New(knftables.IPv4Family, internetGateway)
		if err != nil {
			return fmt.Errorf("reaching nftables (does the kernel have it, and is nft installed?): %w", err)
		}
		tx := nft.NewTransaction()
		tx.Add(&knftables.Table{})
		translatePublicAddresses(tx, p)
		hidePrivateAddresses(tx, p)
		if err := nft.Run(ctx, tx); err != nil {
			return fmt.Errorf("translating public addresses: %w", err)
		}
		return nil
	})
}

func translatePublicAddresses(tx *knftables.Transaction, p addressplan.Network) {
	addChain(tx, "prerouting", knftables.NATType, knftables.PreroutingHook, knftables.DNATPriority)
	addChain(tx, "postrouting", knftables.NATType, knftables.PostroutingHook, knftables.SNATPriority)
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
}

func hidePrivateAddresses(tx *knftables.Transaction, p addressplan.Network) {
	const chain = "forward"
	addChain(tx, chain, knftables.FilterType, knftables.ForwardHook, knftables.FilterPriority)
	for _, rule := range []string{
		"ct status dnat accept",
		"ct state established,related accept",
		"ip daddr " + p.LoadBalancerCIDR.String() + " accept",
		"iifname " + internetInterface + " reject with icmp host-unreachable",
	} {
		tx.Add(&knftables.Rule{Chain: chain, Rule: rule})
	}
}

func addChain(tx *knftables.Transaction, name string, kind knftables.BaseChainType,
	hook knftables.BaseChainHook, priority knftables.BaseChainPriority,
) {
	tx.Add(&knftables.Chain{
		Name: name, Type: knftables.PtrTo(kind),
		Hook: knftables.PtrTo(hook), Priority: knftables.PtrTo(priority),
	})
}
