// Package k3d runs the test-bed on clusters of k3d (K3s in Docker): an existing one, or a new one. It drives the k3d
// program through e2e-framework's provider.
package k3d

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/e2e-framework/support"
	"sigs.k8s.io/e2e-framework/third_party/k3d"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/connection"
)

// Config selects an existing cluster or describes a new one.
type Config struct {
	// Name of the cluster.
	Name string
	// Image of K3s, which determines the version of Kubernetes; k3d's own default if empty.
	Image string
}

// arguments of `k3d cluster create`: as many nodes as kind has; without the ingress controller and the load balancer that
// K3s includes, which would occupy the ports; and without changes to the user's kubeconfig.
func arguments() []string {
	return []string{
		"--servers", "1", "--agents", "2", "--no-lb",
		"--k3s-arg", "--disable=traefik@server:*",
		"--k3s-arg", "--disable=servicelb@server:*",
		"--kubeconfig-update-default=false", "--kubeconfig-switch-context=false",
		"--wait", "--timeout", "300s",
	}
}

// Exists reports whether a cluster of that name exists. It fails if k3d can't be used at all, and the error says what is
// missing.
func Exists(ctx context.Context, name string) (bool, error) {
	program, err := find()
	if err != nil {
		return false, err
	}
	all, err := names(ctx, program)
	if err != nil {
		return false, err
	}
	return contains(all, name)
}

// Cluster is a cluster of k3d. Its client is this machine, which reaches the nodes at their containers' addresses.
type Cluster struct {
	name       string
	provider   support.E2EClusterProviderWithImageLoader
	connection *connection.Connection // nil until the cluster exists
	created    bool                   // by this process
}

var _ clusters.Cluster = (*Cluster)(nil)

// Open connects to the cluster of the name if it exists, and otherwise creates one, which Destroy deletes.
func Open(ctx context.Context, config Config) (*Cluster, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	existing, err := Exists(ctx, config.Name)
	if err != nil {
		return nil, err
	}
	provider := k3d.NewCluster(config.Name)
	provider.WithPath(program)
	if config.Image != "" {
		provider.WithOpts(k3d.WithImage(config.Image))
	}
	if !existing {
		provider.WithOpts(k3d.WithArgs(arguments()...))
	}
	c := &Cluster{name: config.Name, provider: provider, created: !existing}
	_, err = provider.Create(ctx)
	if err == nil {
		c.connection, err = connection.Open(ctx, c.Kubeconfig(), "")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("k3d cluster %q: %w", config.Name, err), c.Destroy(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// Name of the cluster, as k3d has it.
func (c *Cluster) Name() string { return c.name }

// Kubeconfig is a private file of this process; the user's own is not written.
func (c *Cluster) Kubeconfig() string { return c.provider.GetKubeconfig() }

// Nodes with the addresses of their containers.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) {
	return c.connection.Nodes(ctx)
}

// Client is this machine: its packets carry its address in the containers' network.
func (c *Cluster) Client() clusters.Client { return c.connection.Client() }

// Access is by node ports.
func (c *Cluster) Access() clusters.Access { return clusters.DirectAccess(c.Client()) }

// LoadImage imports an archive into every node, as `k3d image import` does.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	if _, err := os.Stat(archive); err != nil {
		return fmt.Errorf("image archive: %w", err)
	}
	return c.provider.LoadImageArchive(ctx, archive)
}

// Capture starts an agent on the node that captures packets.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.connection.Capture(ctx, target)
}

// ExportLogs writes to dir what the API server knows of the cluster's components: k3d has no command for more.
func (c *Cluster) ExportLogs(ctx context.Context, dir string) error {
	return c.connection.ExportLogs(ctx, dir)
}

// Destroy deletes the cluster if this process created it, and otherwise removes the capture agents from it.
func (c *Cluster) Destroy(ctx context.Context) error {
	if c.created {
		return c.provider.Destroy(ctx)
	}
	var err error
	if c.connection != nil {
		err = c.connection.Close(ctx)
	}
	if file := c.Kubeconfig(); file != "" {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}
