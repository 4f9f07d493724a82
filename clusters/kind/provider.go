package kind

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kind/pkg/cluster"

	"github.com/ingress-testbed/testbed/clusters"
)

// Provider gets clusters of kind.
type Provider struct {
	config Config
	flags  *pflag.FlagSet
}

var _ clusters.Provider = (*Provider)(nil)

// NewProvider returns a provider whose flags default to KIND_IMAGE and KIND_CONFIG.
func NewProvider() *Provider {
	p := &Provider{flags: pflag.NewFlagSet("kind", pflag.ContinueOnError)}
	p.flags.StringVar(&p.config.Image, "kind-image", os.Getenv("KIND_IMAGE"), "`image` of kind's nodes (default kind's own; or KIND_IMAGE)")
	p.flags.StringVar(&p.config.File, "kind-config", os.Getenv("KIND_CONFIG"), "`file` with kind's configuration (default two workers; or KIND_CONFIG)")
	return p
}

// Kind is "kind".
func (p *Provider) Kind() string { return "kind" }

// Flags are the image and the configuration of the nodes.
func (p *Provider) Flags() *pflag.FlagSet { return p.flags }

// Check checks that the images are built, that a container engine responds and that the configuration exists.
func (p *Provider) Check(ctx context.Context, request clusters.Request) (clusters.Source, error) {
	images, err := clusters.Archives(request.ImageDir, "controller", "backends", "capture")
	if err != nil {
		return nil, err
	}
	if p.config.File != "" {
		if _, err := os.Stat(p.config.File); err != nil {
			return nil, fmt.Errorf("the configuration for kind: %w", err)
		}
	}
	config := p.config
	config.Name = cmp.Or(request.Name, fmt.Sprintf("testbed-%d", os.Getpid()))
	if request.Existing {
		config.Name = cmp.Or(request.Name, cluster.DefaultName)
	}
	config.Progress = request.Progress
	exists, err := Exists(ctx, config.Name)
	if err != nil {
		return nil, err
	}
	if request.Existing && !exists {
		return nil, fmt.Errorf("the kind cluster %q does not exist: give the --name of one that `kind get clusters` lists", config.Name)
	}
	return &source{config: config, images: images, existing: exists && (request.Existing || request.Name != "")}, nil
}

// source is a cluster that exists, or is to be created.
type source struct {
	config   Config
	images   []string
	existing bool
}

func (s *source) Properties() clusters.Properties {
	return clusters.Properties{Disposable: !s.existing, Images: s.images}
}

func (s *source) Get(ctx context.Context) (clusters.Cluster, error) {
	if s.existing {
		fmt.Fprintf(s.config.Progress, "Using the kind cluster %q, which is kept\n\n", s.config.Name)
		connected, err := Connect(ctx, s.config)
		if err != nil {
			return nil, err // not a nil *Cluster in an interface
		}
		return connected, nil
	}
	fmt.Fprintf(s.config.Progress, "Starting the kind cluster %q (about a minute)\n", s.config.Name)
	start := time.Now()
	created, err := Create(ctx, s.config)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.config.Progress, "  ready after %.1f s\n\n", time.Since(start).Seconds())
	return created, nil
}

func (s *source) Close() error { return nil }
