package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters/kubeconfig"
)

func newCleanup() *cobra.Command {
	var config kubeconfig.Config
	var all bool
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what interrupted runs with --cluster kubeconfig left in a cluster",
		Long: "Removes the objects with the label " + kubeconfig.RunLabel + ": namespaces with everything in them, and cluster-scoped objects.\n" +
			"Objects of runs that are still running, here or on another machine, are kept.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, kept, err := kubeconfig.Cleanup(cmd.Context(), config, all)
			for _, leftover := range removed {
				fmt.Fprintf(cmd.OutOrStdout(), "Removed objects of run %s: %s\n", leftover.Run, strings.Join(leftover.Objects, ", "))
			}
			for _, leftover := range kept {
				fmt.Fprintf(cmd.OutOrStdout(), "Kept objects of run %s (process %s may still be running; --all removes them too): %s\n",
					leftover.Run, cmp.Or(leftover.Owner, "unknown"), strings.Join(leftover.Objects, ", "))
			}
			if err == nil && len(removed)+len(kept) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "Nothing to remove.")
			}
			return err
		},
	}
	config.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "also remove objects of runs that may still be running")
	return cmd
}
