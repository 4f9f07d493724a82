// Package e2e provides the embedded cluster to test suites of sigs.k8s.io/e2e-framework.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/e2e-framework/klient"
	"sigs.k8s.io/e2e-framework/support"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

// Provider is a cluster provider of e2e-framework that creates embedded clusters. A suite uses it instead of kind's:
//
//	env.Setup(envfuncs.CreateCluster(e2e.NewProvider(), "my-cluster"))
type Provider struct {
	config  embedded.Config
	cluster *embedded.Cluster
	rest    *rest.Config
}

var _ support.E2EClusterProviderWithImageLoader = (*Provider)(nil)

// NewProvider returns a provider with the default settings.
func NewProvider() support.E2EClusterProvider { return &Provider{} }

// WithName names the cluster.
func (p *Provider) WithName(name string) support.E2EClusterProvider {
	p.config.Name = name
	return p
}

// WithVersion chooses the Kubernetes version, among those built.
func (p *Provider) WithVersion(version string) support.E2EClusterProvider {
	p.config.KubernetesVersion = version
	return p
}

// WithPath gives the folder of the testbed program and the cluster's other programs.
func (p *Provider) WithPath(path string) support.E2EClusterProvider {
	p.config.Binaries = path
	return p
}

// WithOpts applies options to this provider, such as WithConfig.
func (p *Provider) WithOpts(opts ...support.ClusterOpts) support.E2EClusterProvider {
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// WithConfig replaces all settings.
func WithConfig(config embedded.Config) support.ClusterOpts {
	return func(provider support.E2EClusterProvider) {
		if p, ok := provider.(*Provider); ok {
			p.config = config
		}
	}
}

// SetDefaults does nothing: Create fills in the defaults.
func (p *Provider) SetDefaults() support.E2EClusterProvider { return p }

// Create creates the cluster, or connects to a running one of that name, and returns its kubeconfig's path. It takes no
// arguments: settings are given by WithConfig or CreateWithConfig.
func (p *Provider) Create(ctx context.Context, args ...string) (string, error) {
	if len(args) > 0 {
		return "", fmt.Errorf("creating an embedded cluster takes no arguments, got %q: use WithConfig", args)
	}
	config, err := p.config.WithDefaults()
	if err != nil {
		return "", err
	}
	cluster, err := embedded.Connect(ctx, config.Name)
	if errors.Is(err, embedded.ErrNotRunning) {
		cluster, err = embedded.Create(ctx, config)
	}
	if err != nil {
		return "", err
	}
	p.cluster = cluster
	if p.rest, err = clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig()); err != nil {
		return "", fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	return cluster.Kubeconfig(), nil
}

// CreateWithConfig creates the cluster with the settings of a YAML file. The provider's own name and version, if any,
// take precedence.
func (p *Provider) CreateWithConfig(ctx context.Context, configFile string) (string, error) {
	config, err := embedded.ReadConfig(configFile)
	if err != nil {
		return "", err
	}
	if p.config.Name != "" {
		config.Name = p.config.Name
	}
	if p.config.KubernetesVersion != "" {
		config.KubernetesVersion = p.config.KubernetesVersion
	}
	config.Binaries, config.Logs, config.Progress = p.config.Binaries, p.config.Logs, p.config.Progress
	p.config = config
	return p.Create(ctx)
}

// Cluster is the running cluster, nil before Create.
func (p *Provider) Cluster() *embedded.Cluster { return p.cluster }

// GetKubeconfig returns the kubeconfig's path, "" before Create.
func (p *Provider) GetKubeconfig() string {
	if p.cluster == nil {
		return ""
	}
	return p.cluster.Kubeconfig()
}

// GenerateKubeconfig writes the kubeconfig to a temporary file that outlives the cluster, and returns its path.
func (p *Provider) GenerateKubeconfig(...string) (string, error) {
	if p.cluster == nil {
		return "", errors.New("the cluster has not been created")
	}
	raw, err := os.ReadFile(p.cluster.Kubeconfig())
	if err != nil {
		return "", fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	file, err := os.CreateTemp("", "kubeconfig-"+p.cluster.Name()+"-")
	if err != nil {
		return "", fmt.Errorf("writing a kubeconfig: %w", err)
	}
	if _, err := file.Write(raw); err != nil {
		return "", errors.Join(fmt.Errorf("writing a kubeconfig: %w", err), file.Close())
	}
	return file.Name(), file.Close()
}

// GetKubectlContext is the kubeconfig's context, which is named as the cluster.
func (p *Provider) GetKubectlContext() string {
	if p.cluster == nil {
		return ""
	}
	return p.cluster.Name()
}

// ExportLogs copies the logs of the cluster's parts to dest.
func (p *Provider) ExportLogs(ctx context.Context, dest string) error {
	if p.cluster == nil {
		return errors.New("the cluster has not been created")
	}
	return p.cluster.ExportLogs(ctx, dest)
}

// Destroy ends the cluster if Create created it.
func (p *Provider) Destroy(ctx context.Context) error {
	if p.cluster == nil {
		return nil
	}
	return p.cluster.Destroy(ctx)
}

// WaitForControlPlane returns at once: Create returns when every node is Ready.
func (p *Provider) WaitForControlPlane(context.Context, klient.Client) error { return nil }

// KubernetesRestConfig is a client configuration for the API server, nil before Create.
func (p *Provider) KubernetesRestConfig() *rest.Config { return p.rest }

// LoadImage always fails: without a container engine, images are loaded from archives by LoadImageArchive.
func (p *Provider) LoadImage(_ context.Context, image string, _ ...string) error {
	return fmt.Errorf("image %s: an embedded cluster loads archives only: save it with `docker save` and use LoadImageArchive", image)
}

// LoadImageArchive loads an archive's images into all nodes.
func (p *Provider) LoadImageArchive(ctx context.Context, archivePath string, _ ...string) error {
	if p.cluster == nil {
		return errors.New("the cluster has not been created")
	}
	return p.cluster.LoadImage(ctx, archivePath)
}
