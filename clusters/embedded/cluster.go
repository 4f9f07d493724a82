package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

// Cluster is a running embedded cluster.
type Cluster struct {
	spec       control.Spec
	pid        int
	inside     *control.Client
	supervisor *supervisor // nil if another process created it
}

var _ clusters.Cluster = (*Cluster)(nil)

func newCluster(spec control.Spec, pid int) *Cluster {
	return &Cluster{spec: spec, pid: pid, inside: control.NewClient(pid)}
}

// Connect connects to a running cluster that another process created.
func Connect(ctx context.Context, name string) (*Cluster, error) {
	running, err := Find(ctx, name)
	if err != nil {
		return nil, err
	}
	return newCluster(running.Spec, running.PID), nil
}

// Name of the cluster.
func (c *Cluster) Name() string { return c.spec.Name }

// Kubeconfig is the path of a kubeconfig for the host's loopback. It is removed with the cluster.
func (c *Cluster) Kubeconfig() string { return c.inside.Path(control.HostKubeconfig) }

// PID is the test network's process. Its namespaces can be entered, and its root is seen below /proc/PID/root.
func (c *Cluster) PID() int { return c.pid }

// Version of Kubernetes, "v1.37.2".
func (c *Cluster) Version() string { return c.spec.KubernetesVersion }

// Ended is closed when the cluster has ended; nil for a cluster that another process created.
func (c *Cluster) Ended() <-chan struct{} {
	if c.supervisor == nil {
		return nil
	}
	return c.supervisor.ended
}

// Err is why the cluster failed after it was ready; nil if it was destroyed. It is set once Ended is closed.
func (c *Cluster) Err() error { return c.supervisor.cause }

// Nodes are those of the address plan.
func (c *Cluster) Nodes(context.Context) ([]clusters.Node, error) {
	p := c.spec.Network
	nodes := make([]clusters.Node, len(p.Nodes))
	for i, node := range p.Nodes {
		nodes[i] = clusters.Node{
			Name: node.Name, InternalIP: node.Address, ExternalIP: p.Public(i),
			PodCIDR: p.Pods(i), PodGateway: p.PodGateway(i),
			Masquerade: []netip.Addr{p.PodGateway(i), p.Tunnel(i)},
		}
	}
	return nodes, nil
}

// Client is the machine outside the cluster.
func (c *Cluster) Client() clusters.Client { return client{c} }

// Access is direct: the client reaches the ports of nodes.
func (c *Cluster) Access() clusters.Access { return clusters.DirectAccess(c.Client()) }

type client struct{ cluster *Cluster }

func (c client) Addr() netip.Addr { return c.cluster.spec.Network.ClientAddress }

func (c client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return c.cluster.DialFrom(ctx, "client", network, address)
}

// DialFrom opens a connection from a machine of the test network: "client", "router" or a node's name. The address is an IP
// address and a port; host names are not resolved.
func (c *Cluster) DialFrom(ctx context.Context, machine, network, address string) (net.Conn, error) {
	conn, err := c.inside.Dial(ctx, control.DialRequest{From: machine, Network: network, Address: address})
	if err != nil {
		var inside *control.Error
		if !errors.As(err, &inside) && !errors.Is(ctx.Err(), context.Canceled) {
			err = fmt.Errorf("%w: %w", clusters.ErrClient, err)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return conn, nil
}

// LoadImage loads the images of an archive on all nodes.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	_, err := c.LoadImages(ctx, archive)
	return err
}

// LoadImages is LoadImage that returns the images under each of their names.
func (c *Cluster) LoadImages(ctx context.Context, archive string) ([]control.Image, error) {
	path, err := filepath.Abs(archive)
	if err != nil {
		return nil, fmt.Errorf("finding image archive %s: %w", archive, err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("image archive: %w", err)
	}
	images, err := c.inside.LoadImage(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("loading image archive %s: %w", archive, err)
	}
	return images, nil
}

// Capture captures the packets on an interface of a Pod or a node.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	link := control.Link{Machine: target.Node, Interface: target.Interface}
	switch {
	case target.Pod != "":
		var err error
		link, err = c.inside.PodLink(ctx, control.PodRequest{Namespace: target.Namespace, Pod: target.Pod})
		if err != nil {
			return nil, fmt.Errorf("finding the link of pod %s/%s: %w", target.Namespace, target.Pod, err)
		}
	case target.Interface == "":
		link.Interface = addressplan.MachineInterface
	}
	stream, err := c.inside.Capture(ctx, link)
	if err != nil {
		return nil, fmt.Errorf("capturing on %s of %s: %w", link.Interface, link.Machine, err)
	}
	return stream, nil
}

// ExportLogs copies the logs of the cluster's parts to dir, over those of an earlier cluster.
func (c *Cluster) ExportLogs(ctx context.Context, dir string) error {
	logs := os.DirFS(c.spec.Logs)
	err := fs.WalkDir(logs, ".", func(path string, entry fs.DirEntry, err error) error {
		target := filepath.Join(dir, path)
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		}
		content, err := fs.ReadFile(logs, path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
	if err != nil {
		return fmt.Errorf("copying logs from %s to %s: %w", c.spec.Logs, dir, err)
	}
	return nil
}

// Destroy ends the cluster if this process created it.
func (c *Cluster) Destroy(context.Context) error {
	if c.supervisor != nil {
		c.supervisor.stop()
	}
	return nil
}
