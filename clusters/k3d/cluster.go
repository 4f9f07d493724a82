// Package k3d runs the test-bed on clusters of k3d (K3s in Docker): an existing one, or a new one. It runs the k3d program
// with an environment of its own, because the user's can change what k3d does and where it writes.
package k3d

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/connection"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// Config selects an existing cluster or describes a new one.
type Config struct {
	// Name of the cluster.
	Name string
	// Image of K3s, which determines the version of Kubernetes; k3d's own default if empty.
	Image string
}

// Exists reports whether a cluster of that name exists. It fails if k3d can't be used at all, and the error says what is
// missing.
func Exists(ctx context.Context, name string) (bool, error) {
	k3d, err := find(os.DevNull)
	if err != nil {
		return false, err
	}
	_, there, err := k3d.get(ctx, name)
	return there, err
}

// Cluster is a cluster of k3d. Its client is this machine, which reaches the nodes at their containers' addresses.
type Cluster struct {
	name       string
	k3d        program
	dir        *tempdir.Dir           // holds the kubeconfig
	connection *connection.Connection // nil until the cluster can be used
	created    bool                   // by this process
}

var _ clusters.Cluster = (*Cluster)(nil)

// Open connects to the cluster of the name if it exists, and starts it if it is stopped. Otherwise it creates one, which
// Destroy deletes.
func Open(ctx context.Context, config Config) (*Cluster, error) {
	dir, err := tempdir.Make("k3d")
	if err != nil {
		return nil, err
	}
	k3d, err := find(filepath.Join(dir.Path(), "k3d-kubeconfig"))
	if err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	return open(ctx, config, k3d, dir)
}

func open(ctx context.Context, config Config, k3d program, dir *tempdir.Dir) (*Cluster, error) {
	c := &Cluster{name: config.Name, k3d: k3d, dir: dir}
	if err := c.open(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("k3d cluster %q: %w", config.Name, err), c.Destroy(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context, config Config) error {
	existing, there, err := c.k3d.get(ctx, config.Name)
	switch {
	case err != nil:
		return err
	case !there:
		c.created = true
		err = c.k3d.create(ctx, config)
	case !existing.running():
		err = c.k3d.start(ctx, config.Name)
	}
	if err != nil {
		return err
	}
	kubeconfig, err := c.k3d.getKubeconfig(ctx, config.Name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Kubeconfig(), kubeconfig, 0o600); err != nil {
		return fmt.Errorf("writing the cluster's kubeconfig: %w", err)
	}
	opened, err := connection.Open(ctx, c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	c.connection = opened
	return c.connection.WaitReady(ctx, c.k3d.timeouts.ready)
}

// Name of the cluster, as k3d has it.
func (c *Cluster) Name() string { return c.name }

// Kubeconfig is a private file of this process; the user's own is not written.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.dir.Path(), "kubeconfig") }

// Nodes with the addresses of their containers.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) {
	return c.connection.Nodes(ctx)
}

// Client is this machine: its packets carry its address in the containers' network.
func (c *Cluster) Client() clusters.Client { return c.connection.Client() }

// Access is by node ports.
func (c *Cluster) Access() clusters.Access { return clusters.DirectAccess(c.Client()) }

// LoadImage imports an archive into every node.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	if _, err := os.Stat(archive); err != nil {
		return fmt.Errorf("image archive: %w", err)
	}
	if err := c.k3d.load(ctx, c.name, archive); err != nil {
		return fmt.Errorf("importing image archive %s: %w", archive, err)
	}
	return nil
}

// Capture starts an agent on the node that captures packets.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.connection.Capture(ctx, target)
}

// ExportLogs writes to dir what the API server has about the cluster's components: k3d has no command for more.
func (c *Cluster) ExportLogs(ctx context.Context, dir string) error {
	return c.connection.ExportLogs(ctx, dir)
}

// Destroy deletes the cluster if this process created it, and otherwise removes the capture agents from it.
func (c *Cluster) Destroy(ctx context.Context) error {
	var err error
	switch {
	case c.created:
		err = c.delete(ctx)
	case c.connection != nil:
		err = c.connection.Close(ctx)
	}
	return errors.Join(err, c.dir.Remove())
}

// delete deletes the cluster, of which nothing may be there if it could not be created.
func (c *Cluster) delete(ctx context.Context) error {
	_, there, err := c.k3d.get(ctx, c.name)
	if err != nil || !there {
		return err
	}
	return c.k3d.delete(ctx, c.name)
}
