package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/clusters/embedded/lastend"
)

// signalTimeout is how long each signal gets to work.
const signalTimeout = 10 * time.Second

func newDown() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End an embedded cluster",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := embedded.Find(cmd.Context(), name)
			if errors.Is(err, embedded.ErrNotRunning) {
				if reason := lastend.Reason(name); reason != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "No cluster %q is running: %s\n", name, reason)
					return lastend.Forget(name)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "No cluster %q is running.\n", name)
				return nil
			}
			if err != nil {
				return err
			}
			if err := end(cmd.Context(), running); err != nil {
				return fmt.Errorf("ending cluster %q: %w", name, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Cluster %q is gone; its logs are in %s\n", name, running.Spec.Logs)
			return nil
		},
	}
	addName(cmd, &name)
	return cmd
}

// end terminates a cluster's supervisor, kills it if it doesn't end, and waits until the cluster's name is free again.
func end(ctx context.Context, cluster embedded.Running) error {
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
	for _, signal := range signals {
		if err := syscall.Kill(cluster.Supervisor, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("sending %v to process %d: %w", signal, cluster.Supervisor, err)
		}
		for deadline := time.Now().Add(signalTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, err := embedded.Find(ctx, cluster.Name); errors.Is(err, embedded.ErrNotRunning) {
				return nil
			}
		}
	}
	return fmt.Errorf("process %d still runs", cluster.Supervisor)
}

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the running embedded clusters",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := embedded.List()
			if err != nil {
				return err
			}
			for _, name := range names {
				running, err := embedded.Find(cmd.Context(), name)
				if err != nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s\tstarting\n", name)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\tKubernetes %s\t%d nodes\tprocess %d\n",
					name, running.Spec.KubernetesVersion, len(running.Spec.Network.Nodes), running.Supervisor)
			}
			return nil
		},
	}
}

func addName(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "name", embedded.DefaultName, "name of the cluster")
}
