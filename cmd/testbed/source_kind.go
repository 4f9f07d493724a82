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
	"github.com/ingress-testbed/testbed/clusters/kind"
	"github.com/ingress-testbed/testbed/steps/subject"
)

func kindProvider(name *string) provider {
	var config kind.Config
	return provider{
		name:  "kind",
		flags: []string{"kind-image", "kind-config"},
		register: func(cmd *cobra.Command) {
			flags := cmd.Flags()
			flags.StringVar(&config.Image, "kind-image", os.Getenv("KIND_IMAGE"), "`image` of kind's nodes (default kind's own; or KIND_IMAGE)")
			flags.StringVar(&config.File, "kind-config", os.Getenv("KIND_CONFIG"), "`file` with kind's configuration (default two workers; or KIND_CONFIG)")
		},
		source: func(ctx context.Context, progress io.Writer, _ *subject.Reference) (*clusterSource, error) {
			config.Name, config.Progress = *name, progress
			return kindSource(ctx, config)
		},
	}
}

// kindSource uses the kind cluster that is named, if there is one, and otherwise makes one.
func kindSource(ctx context.Context, config kind.Config) (*clusterSource, error) {
	images, err := builtImages("controller", "backends", "capture")
	if err != nil {
		return nil, err
	}
	program, err := findKubectl()
	if err != nil {
		return nil, err
	}
	if config.File != "" {
		if _, err := os.Stat(config.File); err != nil {
			return nil, fmt.Errorf("the configuration for kind: %w", err)
		}
	}
	there := config.Name != ""
	config.Name = cmp.Or(config.Name, fmt.Sprintf("testbed-%d", os.Getpid()))
	exists, err := kind.Exists(ctx, config.Name)
	if err != nil {
		return nil, err
	}
	there = there && exists
	source := &clusterSource{images: images, kubectl: program, disposable: !there, close: func() {}}
	source.get = func(ctx context.Context) (clusters.Cluster, error) {
		if there {
			fmt.Fprintf(config.Progress, "Using the kind cluster %q, which is kept\n\n", config.Name)
			return kind.Connect(ctx, config)
		}
		fmt.Fprintf(config.Progress, "Starting the kind cluster %q (about a minute)\n", config.Name)
		start := time.Now()
		cluster, err := kind.Create(ctx, config)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(config.Progress, "  ready after %.1f s\n\n", time.Since(start).Seconds())
		return cluster, nil
	}
	return source, nil
}
