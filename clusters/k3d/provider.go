package k3d

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/clusters"
)

// defaultName is the name that k3d gives a cluster.
const defaultName = "k3s-default"

// Provider gets clusters of k3d.
type Provider struct {
	config Config
	flags  *pflag.FlagSet
}

var _ clusters.Provider = (*Provider)(nil)

// NewProvider returns a provider whose flag defaults to K3D_IMAGE.
func NewProvider() *Provider {
	p := &Provider{flags: pflag.NewFlagSet("k3d", pflag.ContinueOnError)}
	p.flags.StringVar(&p.config.Image, "k3d-image", os.Getenv("K3D_IMAGE"), "`image` of K3s for k3d's nodes (default k3d's own; or K3D_IMAGE)")
	return p
}

// Kind is "k3d".
func (p *Provider) Kind() string { return "k3d" }

// Flags is the image of the nodes.
func (p *Provider) Flags() *pflag.FlagSet { return p.flags }

// Check checks that the images are built, that k3d is installed and that Docker responds.
func (p *Provider) Check(ctx context.Context, request clusters.Request) (clusters.Source, error) {
	images, err := clusters.Archives(request.ImageDir, "controller", "backends", "capture")
	if err != nil {
		return nil, err
	}
	config := p.config
	config.Name = cmp.Or(request.Name, fmt.Sprintf("testbed-%d", os.Getpid()))
	if request.Existing {
		config.Name = cmp.Or(request.Name, defaultName)
	}
	existing, err := Exists(ctx, config.Name)
	if err != nil {
		return nil, err
	}
	if request.Existing && !existing {
		return nil, fmt.Errorf("the k3d cluster %q does not exist: give the --name of one that `k3d cluster list` lists", config.Name)
	}
	return &source{config: config, progress: request.Progress, images: images, existing: existing}, nil
}

// source is a cluster that exists, or is to be created.
type source struct {
	config   Config
	progress io.Writer
	images   []string
	existing bool
}

func (s *source) Properties() clusters.Properties {
	return clusters.Properties{Disposable: !s.existing, Images: s.images}
}

func (s *source) Get(ctx context.Context) (clusters.Cluster, error) {
	if s.existing {
		fmt.Fprintf(s.progress, "Using the k3d cluster %q, which is kept\n\n", s.config.Name)
		cluster, err := Open(ctx, s.config)
		if err != nil {
			return nil, err // not a nil *Cluster in an interface
		}
		return cluster, nil
	}
	fmt.Fprintf(s.progress, "Starting the k3d cluster %q (about a minute)\n", s.config.Name)
	start := time.Now()
	cluster, err := Open(ctx, s.config)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.progress, "  ready after %.1f s\n\n", time.Since(start).Seconds())
	return cluster, nil
}

func (s *source) Close() error { return nil }
