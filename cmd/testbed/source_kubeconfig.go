package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/kubeconfig"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/subject/testbed"
)

// kubeconfigFlags say which cluster of somebody else's is meant.
type kubeconfigFlags struct{ config kubeconfig.Config }

func (f *kubeconfigFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config.Kubeconfig, "kubeconfig", "", "`file` that says how to reach the cluster (default KUBECONFIG or ~/.kube/config)")
	cmd.Flags().StringVar(&f.config.Context, "context", "", "`context` in it (default the current one)")
}

func kubeconfigProvider(name *string) provider {
	var flags kubeconfigFlags
	var reach string
	return provider{
		name:  "kubeconfig",
		flags: []string{"kubeconfig", "context", "reach", "client-address", "image-registry"},
		register: func(cmd *cobra.Command) {
			flags.register(cmd)
			cmd.Flags().StringVar(&reach, "reach", os.Getenv("REACH"), "`way` to the controller: "+strings.Join(kubeconfig.Reaches(), ", ")+" (default what is found to work)")
			cmd.Flags().TextVar(&flags.config.ClientAddress, "client-address", netip.Addr{}, "`address` under which the cluster sees this machine (default that of the route)")
			cmd.Flags().StringVar(&flags.config.ImageRegistry, "image-registry", os.Getenv("IMAGE_REGISTRY"),
				"`place` that has the images controller:dev, backends:dev and capture:dev (default the nodes have them)")
		},
		source: func(_ context.Context, progress io.Writer, existing *subject.Reference) (*clusterSource, error) {
			if *name != "" {
				return nil, errors.New("--name means nothing to the cluster \"kubeconfig\": choose one with --kubeconfig and --context")
			}
			config := flags.config
			config.Run, config.Reach, config.Progress = kubeconfig.NewRun(), kubeconfig.Reach(reach), progress
			config.Controller = serviceOf(existing)
			return kubeconfigSource(config, existing)
		},
	}
}

// kubeconfigSource uses a cluster that was there before and will be there afterwards.
func kubeconfigSource(config kubeconfig.Config, existing *subject.Reference) (*clusterSource, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	program, err := findKubectl()
	if err != nil {
		return nil, err
	}
	installation := testbed.Options{
		Namespace: config.ControllerNamespace(), IngressClass: config.IngressClass(), Suffix: config.Run, FreeNodePorts: true,
	}
	return &clusterSource{
		kubectl: program, close: func() {},
		walkthroughNamespace: config.StoryNamespace(), prepare: config.Prepare,
		// It is asked when the cluster is there, and the way to it known.
		render: func(settings map[string]string) (subject.Installation, error) { return installation.Render(settings) },
		get: func(ctx context.Context) (clusters.Cluster, error) {
			cluster, err := kubeconfig.Connect(ctx, config)
			if err != nil {
				return nil, err
			}
			reach := cluster.Reach()
			if existing != nil {
				existing.ByClusterIP = reach != kubeconfig.ReachNodePort
			}
			if reach == kubeconfig.ReachLoadBalancer {
				installation.ServiceType = "LoadBalancer"
			}
			if reach != kubeconfig.ReachNodePort {
				installation.NoNodePorts = fmt.Sprintf("requests reach this cluster by %s, and pass no node port", reach)
			}
			return cluster, nil
		},
	}, nil
}

func newCleanup() *cobra.Command {
	var flags kubeconfigFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what runs with --cluster kubeconfig left in a cluster because they were killed",
		Long: "Removes what carries the label " + kubeconfig.RunLabel + ": namespaces with all that is in them, and what has no namespace.\n" +
			"What belongs to a run that goes on, here or on another machine, is kept.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, kept, err := kubeconfig.Cleanup(cmd.Context(), flags.config, all)
			for _, leftover := range removed {
				fmt.Fprintf(cmd.OutOrStdout(), "Removed what run %s left: %s\n", leftover.Run, strings.Join(leftover.Objects, ", "))
			}
			for _, leftover := range kept {
				fmt.Fprintf(cmd.OutOrStdout(), "Kept what run %s has (process %s may still run; --all removes it too): %s\n",
					leftover.Run, cmp.Or(leftover.Owner, "unknown"), strings.Join(leftover.Objects, ", "))
			}
			if err == nil && len(removed)+len(kept) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "There is nothing to remove.")
			}
			return err
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also what may belong to a run that goes on")
	return cmd
}
