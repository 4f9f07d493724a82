// Package k3d runs the test-bed on clusters of k3d (K3s in Docker): one that is there, or one of its own. The k3d program
// is driven by e2e-framework's provider.
package k3d

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/e2e-framework/support"
	"sigs.k8s.io/e2e-framework/third_party/k3d"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/hostclient"
	"github.com/ingress-testbed/testbed/clusters/nodeinfo"
	"github.com/ingress-testbed/testbed/clusters/podcapture"
)

// Config says which cluster to use, or how to make it.
type Config struct {
	// Name of the cluster.
	Name string
	// Image of K3s, which decides about the version of Kubernetes: k3d's own default if empty.
	Image string
}

// arguments of `k3d cluster create`: nodes as kind has them; neither the ingress controller nor the load balancer that
// K3s brings along, which would take the ports; and the user's kubeconfig stays as it is.
func arguments() []string {
	return []string{
		"--servers", "1", "--agents", "2", "--no-lb",
		"--k3s-arg", "--disable=traefik@server:*",
		"--k3s-arg", "--disable=servicelb@server:*",
		"--kubeconfig-update-default=false", "--kubeconfig-switch-context=false",
		"--wait", "--timeout", "300s",
	}
}

// Exists tells whether a cluster of that name is there. The error says what is missing for k3d to be used at all.
func Exists(ctx context.Context, name string) (bool, error) {
	program, err := find()
	if err != nil {
		return false, err
	}
	all, err := names(ctx, program)
	if err != nil {
		return false, err
	}
	return taken(all, name)
}

// Cluster is a cluster of k3d. Its client is this machine, which reaches the nodes at their containers' addresses.
type Cluster struct {
	name      string
	provider  support.E2EClusterProviderWithImageLoader
	clientset kubernetes.Interface
	client    hostclient.Client
	agents    *podcapture.Agents
	ours      bool
}

var _ clusters.Cluster = (*Cluster)(nil)

// Open uses the cluster of the name, if it is there, and otherwise makes it. What was made is deleted by Destroy.
func Open(ctx context.Context, config Config) (*Cluster, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	there, err := Exists(ctx, config.Name)
	if err != nil {
		return nil, err
	}
	provider := k3d.NewCluster(config.Name)
	provider.WithPath(program)
	if config.Image != "" {
		provider.WithOpts(k3d.WithImage(config.Image))
	}
	if !there {
		provider.WithOpts(k3d.WithArgs(arguments()...))
	}
	c := &Cluster{name: config.Name, provider: provider, ours: !there}
	_, err = provider.Create(ctx)
	if err == nil {
		err = c.connect(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the k3d cluster %q: %w", config.Name, err), c.Destroy(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) connect(ctx context.Context) error {
	access, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return fmt.Errorf("reading its kubeconfig: %w", err)
	}
	access.QPS, access.Burst = 100, 200
	access.Timeout = 30 * time.Second
	if c.clientset, err = kubernetes.NewForConfig(access); err != nil {
		return fmt.Errorf("making a Kubernetes client: %w", err)
	}
	all, err := c.Nodes(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("it has no nodes")
	}
	if c.client, err = hostclient.New(ctx, all[0].InternalIP); err != nil {
		return err
	}
	c.agents = podcapture.New(podcapture.Config{REST: access, Clientset: c.clientset, Namespace: "testbed-capture", Nodes: c.Nodes})
	return nil
}

// Name of the cluster, as k3d has it.
func (c *Cluster) Name() string { return c.name }

// Kubeconfig is a file of this process; the user's own is not touched.
func (c *Cluster) Kubeconfig() string { return c.provider.GetKubeconfig() }

// Nodes with the addresses of their containers.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) {
	return nodeinfo.Nodes(ctx, c.clientset)
}

// Client is this machine: packets that it sends carry its address in the containers' network.
func (c *Cluster) Client() clusters.Client { return c.client }

// LoadImage has k3d import an archive into every node.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	if _, err := os.Stat(archive); err != nil {
		return fmt.Errorf("image archive: %w", err)
	}
	return c.provider.LoadImageArchive(ctx, archive)
}

// Capture has an agent on the node listen.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.agents.Capture(ctx, target)
}

// ExportLogs writes what the API tells of the cluster's parts: k3d has no command for the rest.
func (c *Cluster) ExportLogs(ctx context.Context, dir string) error {
	return nodeinfo.ExportLogs(ctx, c.clientset, dir)
}

// Destroy deletes the cluster if this process made it, and otherwise removes the capture agents from it.
func (c *Cluster) Destroy(ctx context.Context) error {
	if c.ours {
		return c.provider.Destroy(ctx)
	}
	var err error
	if c.agents != nil {
		err = c.agents.Close(ctx)
	}
	if file := c.Kubeconfig(); file != "" {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}
