// Package kind runs the test-bed on clusters of kind (Kubernetes in Docker): an existing one, or a new one.
package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/connection"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// Cluster is a cluster of kind. Its client is this machine, which reaches the nodes at their containers' addresses.
type Cluster struct {
	name       string
	dir        *tempdir.Dir // holds the kubeconfig
	kind       *cluster.Provider
	connection *connection.Connection
	created    bool // by this process
}

var _ clusters.Cluster = (*Cluster)(nil)

// Name of the cluster, as kind has it.
func (c *Cluster) Name() string { return c.name }

// Kubeconfig is a private file of this process; the user's own is not written.
func (c *Cluster) Kubeconfig() string { return kubeconfigPath(c.dir) }

// Nodes with the addresses of their containers.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) { return c.connection.Nodes(ctx) }

// Client is this machine: its packets carry its address in the containers' network.
func (c *Cluster) Client() clusters.Client { return c.connection.Client() }

// Access is by node ports.
func (c *Cluster) Access() clusters.Access { return clusters.DirectAccess(c.Client()) }

// LoadImage imports an archive into every node's container runtime.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	machines, err := c.kind.ListInternalNodes(c.name)
	if err != nil {
		return fmt.Errorf("listing the nodes' containers: %w", withOutput(err))
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, machine := range machines {
		group.Go(func() error { return load(ctx, machine, archive) })
	}
	return group.Wait()
}

func load(ctx context.Context, machine nodes.Node, archive string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("image archive: %w", err)
	}
	defer file.Close()
	if err := nodeutils.LoadImageArchive(machine, file); err != nil {
		return fmt.Errorf("loading image archive %s into node %s: %w", archive, machine, withOutput(err))
	}
	return nil
}

// Capture starts an agent on the node that captures packets.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.connection.Capture(ctx, target)
}

// ExportLogs writes the nodes' logs to dir, as `kind export logs` does.
func (c *Cluster) ExportLogs(_ context.Context, dir string) error {
	if err := c.kind.CollectLogs(c.name, dir); err != nil {
		return fmt.Errorf("collecting the nodes' logs: %w", withOutput(err))
	}
	return nil
}

// Destroy deletes the cluster if this process created it, and otherwise removes the capture agents from it.
func (c *Cluster) Destroy(ctx context.Context) error {
	var err error
	if c.created {
		if err = c.kind.Delete(c.name, c.Kubeconfig()); err != nil {
			err = fmt.Errorf("deleting the kind cluster %q: %w", c.name, withOutput(err))
		}
	} else {
		err = c.connection.Close(ctx)
	}
	return errors.Join(err, c.dir.Remove())
}
