//go:build linux

package network

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"sigs.k8s.io/knftables"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

// lossTable is the table of nftables that drops packets, and lossParts the resolution of its share.
const (
	lossTable = "testbed-loss"
	lossParts = 10_000
)

// Impairment is what happens to the packets on a node's cable, in both directions.
type Impairment struct {
	Loss          float64 // from 0 to 1
	Delay, Jitter time.Duration
}

// Impair sets what happens to the packets of a node, and replaces what was set before. Nftables drops packets, because fewer
// kernels have netem, which delays them where it exists.
func (t *Topology) Impair(ctx context.Context, node string, impairment Impairment) error {
	i := slices.IndexFunc(t.Nodes, func(ns *Namespace) bool { return ns.name == node })
	if i < 0 {
		return fmt.Errorf("unknown node %q", node)
	}
	if !(impairment.Loss >= 0 && impairment.Loss <= 1) || impairment.Delay < 0 || impairment.Jitter < 0 || impairment.Delay > time.Minute {
		return fmt.Errorf("invalid impairment %+v", impairment)
	}
	if err := t.Nodes[i].Do(func() error { return drop(ctx, impairment.Loss) }); err != nil {
		return err
	}
	if err := t.delay(ctx, t.Router, node, impairment); err != nil {
		return err
	}
	return t.delay(ctx, t.Nodes[i], addressplan.MachineInterface, impairment)
}

// drop makes nftables drop a share of the packets on a machine's cable.
func drop(ctx context.Context, share float64) error {
	nft, err := knftables.New(knftables.InetFamily, lossTable)
	if err != nil {
		return fmt.Errorf("connecting to nftables: %w", err)
	}
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{})
	tx.Delete(&knftables.Table{})
	if share > 0 {
		tx.Add(&knftables.Table{})
		addChain(tx, "in", knftables.FilterType, knftables.PreroutingHook, knftables.RawPriority)
		addChain(tx, "out", knftables.FilterType, knftables.PostroutingHook, knftables.FilterPriority)
		verdict := "drop"
		if parts := int(math.Round(share * lossParts)); parts < lossParts { // nftables rejects a comparison that is always true
			verdict = fmt.Sprintf("numgen random mod %d < %d drop", lossParts, parts)
		}
		for chain, match := range map[string]string{"in": "iifname", "out": "oifname"} {
			tx.Add(&knftables.Rule{Chain: chain, Rule: knftables.Concat(match, addressplan.MachineInterface, verdict)})
		}
	}
	if err := nft.Run(ctx, tx); err != nil {
		return fmt.Errorf("dropping packets: %w", err)
	}
	return nil
}
