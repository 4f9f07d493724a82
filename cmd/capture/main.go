// Command capture captures packets on a node of a cluster, from inside a Pod that shares the node's network.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters/podcapture/agent"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command().ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "capture:", err)
	if errors.Is(err, agent.ErrNoLink) {
		os.Exit(agent.ExitUnsupported)
	}
	os.Exit(agent.ExitFailed)
}

func command() *cobra.Command {
	var target agent.Target
	root := &cobra.Command{
		Use:   "capture (--interface NAME | --pod ADDRESS | --towards ADDRESS)",
		Short: "Capture packets on this node as a pcap stream on standard output, until standard input ends",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return agent.Run(cmd.Context(), target, cmd.InOrStdin(), cmd.OutOrStdout())
		},
		// Errors are printed by main, in one sentence.
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	flags := root.Flags()
	flags.StringVar(&target.Interface, "interface", "", "the interface of that name")
	flags.TextVar(&target.Pod, "pod", netip.Addr{}, "the link of the Pod with this address")
	flags.TextVar(&target.Towards, "towards", netip.Addr{}, "the interface of the route to this address")
	root.AddCommand(&cobra.Command{
		Use:   "wait",
		Short: "Wait until terminated, for a Pod in which captures are started",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { <-cmd.Context().Done() },
	})
	return root
}
