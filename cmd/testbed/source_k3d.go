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
	"github.com/ingress-testbed/testbed/clusters/k3d"
	"github.com/ingress-testbed/testbed/steps/subject"
)

func k3dProvider(name *string) provider {
	var config k3d.Config
	return provider{
		name:  "k3d",
		flags: []string{"k3d-image"},
		register: func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&config.Image, "k3d-image", os.Getenv("K3D_IMAGE"), "`image` of K3s for k3d's nodes (default k3d's own; or K3D_IMAGE)")
		},
		source: func(ctx context.Context, progress io.Writer, _ *subject.Reference) (*clusterSource, error) {
			config.Name = cmp.Or(*name, fmt.Sprintf("testbed-%d", os.Getpid()))
			return k3dSource(ctx, config, progress)
		},
	}
}

// k3dSource uses the k3d cluster that is named, if there is one, and otherwise makes one.
func k3dSource(ctx context.Context, config k3d.Config, progress io.Writer) (*clusterSource, error) {
	images, err := builtImages("controller", "backends", "capture")
	if err != nil {
		return nil, err
	}
	program, err := findKubectl()
	if err != nil {
		return nil, err
	}
	there, err := k3d.Exists(ctx, config.Name)
	if err != nil {
		return nil, err
	}
	source := &clusterSource{images: images, kubectl: program, disposable: !there, close: func() {}}
	source.get = func(ctx context.Context) (clusters.Cluster, error) {
		if there {
			fmt.Fprintf(progress, "Using the k3d cluster %q, which is kept\n\n", config.Name)
			return k3d.Open(ctx, config)
		}
		fmt.Fprintf(progress, "Starting the k3d cluster %q (about a minute)\n", config.Name)
		start := time.Now()
		cluster, err := k3d.Open(ctx, config)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "  ready after %.1f s\n\n", time.Since(start).Seconds())
		return cluster, nil
	}
	return source, nil
}
