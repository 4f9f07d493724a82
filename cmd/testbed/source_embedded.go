package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded"
)

func embeddedProvider(name *string) provider {
	var flags clusterFlags
	return provider{
		name:     "embedded",
		flags:    []string{"config", "kubernetes-version", "logs", "workers", "api-port"},
		register: func(cmd *cobra.Command) { flags.registerSettings(cmd) },
		source: func(_ context.Context, progress io.Writer) (*clusterSource, error) {
			flags.name = *name
			return embeddedSource(&flags, progress)
		},
	}
}

// embeddedSource uses the embedded cluster that is named, if it runs, and otherwise makes one. Its logs are temporary:
// the reports keep them where they matter.
func embeddedSource(flags *clusterFlags, progress io.Writer) (*clusterSource, error) {
	config, err := flags.embedded(progress)
	if err != nil {
		return nil, err
	}
	checked := config
	checked.Logs = cmp.Or(config.Logs, os.TempDir()) // needs no home, then
	if _, err := checked.WithDefaults(); err != nil {
		return nil, err
	}
	programs, err := config.Programs()
	if err != nil {
		return nil, err
	}
	source := &clusterSource{images: programs.Images(), kubectl: []string{programs.Kube, "kubectl"}, close: func() {}}
	if config.Name != "" {
		if cluster, err := embedded.Connect(context.Background(), config.Name); err == nil {
			source.get = func(context.Context) (clusters.Cluster, error) { return cluster, nil }
			return source, nil
		}
	}
	config.Name = cmp.Or(config.Name, fmt.Sprintf("run-%d", os.Getpid()))
	if config.Logs == "" {
		if config.Logs, err = os.MkdirTemp("", "testbed-logs-"); err != nil {
			return nil, fmt.Errorf("making a folder for logs: %w", err)
		}
	}
	temporary := flags.logs == ""
	source.close = func() {
		if temporary {
			os.RemoveAll(config.Logs) //nolint:errcheck // temporary files
		} else {
			os.Remove(config.Logs) //nolint:errcheck // goes only if nothing was logged
		}
	}
	source.disposable = true
	source.get = func(ctx context.Context) (clusters.Cluster, error) {
		fmt.Fprintf(progress, "Starting a cluster (about 10 s)\n")
		start := time.Now()
		cluster, err := embedded.Create(ctx, config)
		if err != nil {
			// The error says where the logs are, and there is no report that could keep them.
			temporary = temporary && ctx.Err() != nil
			return nil, err
		}
		fmt.Fprintf(progress, "  Kubernetes %s with %d nodes, after %.1f s\n\n",
			cluster.Version(), len(config.Network.WithDefaults().Nodes), time.Since(start).Seconds())
		return cluster, nil
	}
	return source, nil
}
