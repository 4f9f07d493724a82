package kubeconfig

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/clusters"
)

// Provider connects to existing clusters as a guest.
type Provider struct {
	config Config
	reach  string
	flags  *pflag.FlagSet
}

var _ clusters.Provider = (*Provider)(nil)

// NewProvider returns a provider whose flags default to REACH and IMAGE_REGISTRY.
func NewProvider() *Provider {
	p := &Provider{flags: pflag.NewFlagSet("kubeconfig", pflag.ContinueOnError)}
	p.config.RegisterFlags(p.flags)
	p.flags.StringVar(&p.reach, "reach", os.Getenv("REACH"), "`path` to the controller: "+strings.Join(Reaches(), ", ")+" (default the first that works)")
	p.flags.TextVar(&p.config.ClientAddress, "client-address", netip.Addr{}, "`address` of this machine as the cluster sees it (default that of the route)")
	p.flags.StringVar(&p.config.ImageRegistry, "image-registry", os.Getenv("IMAGE_REGISTRY"),
		"`registry` that has the images controller:dev, backends:dev and capture:dev (default they are on the nodes)")
	return p
}

// RegisterFlags adds the flags that select a cluster.
func (c *Config) RegisterFlags(flags *pflag.FlagSet) {
	flags.StringVar(&c.Kubeconfig, "kubeconfig", "", "kubeconfig `file` of the cluster (default KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&c.Context, "context", "", "`context` in it (default the current one)")
}

// Kind is "kubeconfig".
func (p *Provider) Kind() string { return "kubeconfig" }

// Flags select the cluster, the path to it and the registry of its images.
func (p *Provider) Flags() *pflag.FlagSet { return p.flags }

// Check validates the flags. The cluster itself is checked by Get.
func (p *Provider) Check(_ context.Context, request clusters.Request) (clusters.Source, error) {
	if request.Name != "" {
		return nil, errors.New("--name does not apply to --cluster kubeconfig: choose a cluster with --kubeconfig and --context")
	}
	config := p.config
	config.Run, config.Reach, config.Progress = NewRun(), clusters.Reach(p.reach), request.Progress
	config.Controller, config.Lasting = request.Controller, request.Existing
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return source{config}, nil
}

// source is an existing cluster.
type source struct{ config Config }

func (s source) Properties() clusters.Properties {
	if s.config.Lasting {
		return clusters.Properties{ImageRegistry: s.config.ImageRegistry}
	}
	return clusters.Properties{Tenancy: &clusters.Tenancy{
		Namespace: s.config.Namespace(), ControllerNamespace: s.config.ControllerNamespace(),
		IngressClass: s.config.IngressClass(), Suffix: s.config.Run, Prepare: s.config.Prepare,
	}}
}

func (s source) Get(ctx context.Context) (clusters.Cluster, error) {
	cluster, err := Connect(ctx, s.config)
	if err != nil {
		return nil, err // not a nil *Cluster in an interface
	}
	return cluster, nil
}

func (s source) Close() error { return nil }
