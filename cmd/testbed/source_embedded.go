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
	"github.com/ingress-testbed/testbed/clusters/tempdir"
	"github.com/ingress-testbed/testbed/steps/subject"
)

func embeddedProvider(name *string) provider {
	var flags clusterFlags
	return provider{
		name:     "embedded",
		flags:    []string{"config", "kubernetes-version", "logs", "workers", "api-port"},
		register: func(cmd *cobra.Command) { flags.registerSettings(cmd) },
		source: func(ctx context.Context, progress io.Writer, _ *subject.Reference) (*clusterSource, error) {
			flags.name = *name
			return embeddedSource(ctx, &flags, progress)
		},
	}
}

// embeddedSource uses the embedded cluster that is named, if it runs, and otherwise makes one. Its logs are temporary:
// the reports keep them where they matter.
func embeddedSource(ctx context.Context, flags *clusterFlags, progress io.Writer) (*clusterSource, error) {
	config, err := flags.embedded(progress)
	if err != nil {
		return nil, err
	}
	var running *embedded.Cluster
	if config.Name != "" {
		if cluster, err := embedded.Connect(ctx, config.Name); err == nil { // otherwise Check says what stands in the way
			running = cluster
		}
	}
	config.Name = cmp.Or(config.Name, fmt.Sprintf("run-%d", os.Getpid()))
	if running == nil {
		checked := config
		checked.Logs = cmp.Or(config.Logs, os.TempDir()) // needs no home, then
		if err := checked.Check(ctx); err != nil {
			return nil, err
		}
	}
	programs, err := config.Programs()
	if err != nil {
		return nil, err
	}
	source := &clusterSource{images: programs.Images(), kubectl: []string{programs.Kube, "kubectl"}, close: func() {}}
	if running != nil {
		source.get = func(context.Context) (clusters.Cluster, error) { return running, nil }
		return source, nil
	}
	closeLogs := func(bool) error { return os.Remove(config.Logs) } // goes only if nothing was logged
	if config.Logs == "" {
		temporary, err := tempdir.Make("logs")
		if err != nil {
			return nil, err
		}
		config.Logs = temporary.Path()
		closeLogs = func(wanted bool) error {
			if wanted {
				return temporary.Keep()
			}
			return temporary.Remove()
		}
	}
	logsWanted := false
	source.close = func() { closeLogs(logsWanted) } //nolint:errcheck // what is left of temporary files, the next run removes
	source.disposable = true
	source.get = func(ctx context.Context) (clusters.Cluster, error) {
		fmt.Fprintf(progress, "Starting a cluster (about 10 s)\n")
		start := time.Now()
		cluster, err := embedded.Create(ctx, config)
		if err != nil {
			// The error says where the logs are, and there is no report that could keep them.
			logsWanted = ctx.Err() == nil
			return nil, err
		}
		fmt.Fprintf(progress, "  Kubernetes %s with %d nodes, after %.1f s\n\n",
			cluster.Version(), len(config.Network.WithDefaults().Nodes), time.Since(start).Seconds())
		return cluster, nil
	}
	return source, nil
}
