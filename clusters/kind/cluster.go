// Package kind runs the test-bed on clusters of kind (Kubernetes in Docker): one that is there, or one of its own.
package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/hostclient"
	"github.com/ingress-testbed/testbed/clusters/nodeinfo"
	"github.com/ingress-testbed/testbed/clusters/podcapture"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// Cluster is a cluster of kind. Its client is this machine, which reaches the nodes at their containers' addresses.
type Cluster struct {
	name      string
	dir       *tempdir.Dir // holds the kubeconfig
	provider  *cluster.Provider
	clientset kubernetes.Interface
	client    hostclient.Client
	agents    *podcapture.Agents
	ours      bool
}

var _ clusters.Cluster = (*Cluster)(nil)

func newCluster(ctx context.Context, config Config, provider *cluster.Provider, dir *tempdir.Dir) (*Cluster, error) {
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfigPath(dir))
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	access.QPS, access.Burst = 100, 200
	access.Timeout = 30 * time.Second
	clientset, err := kubernetes.NewForConfig(access)
	if err != nil {
		return nil, fmt.Errorf("making a Kubernetes client: %w", err)
	}
	c := &Cluster{name: config.Name, dir: dir, provider: provider, clientset: clientset}
	all, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("the cluster has no nodes")
	}
	if c.client, err = hostclient.New(ctx, all[0].InternalIP); err != nil {
		return nil, err
	}
	c.agents = podcapture.New(podcapture.Config{
		REST: access, Clientset: clientset, Namespace: "testbed-capture", Image: config.CaptureImage, Nodes: c.Nodes,
	})
	return c, nil
}

// waitNodes waits until every node is ready: kind itself waits for those of the control plane.
func (c *Cluster) waitNodes(ctx context.Context) error {
	missing := ""
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, readyTimeout, true, func(ctx context.Context) (bool, error) {
		list, err := c.clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			missing = err.Error()
			return false, nil //nolint:nilerr // a passing fault; where it lasts, it is what the error says
		}
		for _, node := range list.Items {
			if !ready(node) {
				missing = node.Name
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until all nodes are ready (%s is not): %w", missing, err)
	}
	return nil
}

func ready(node corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Name of the cluster, as kind has it.
func (c *Cluster) Name() string { return c.name }

// Kubeconfig is a file of this process; the user's own is not touched.
func (c *Cluster) Kubeconfig() string { return kubeconfigPath(c.dir) }

// Nodes with the addresses of their containers.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) {
	return nodeinfo.Nodes(ctx, c.clientset)
}

// Client is this machine: packets that it sends carry its address in the containers' network.
func (c *Cluster) Client() clusters.Client { return c.client }

// LoadImage imports an archive into every node's container runtime.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	machines, err := c.provider.ListInternalNodes(c.name)
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

// Capture has an agent on the node listen.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.agents.Capture(ctx, target)
}

// ExportLogs has kind collect the nodes' logs.
func (c *Cluster) ExportLogs(_ context.Context, dir string) error {
	if err := c.provider.CollectLogs(c.name, dir); err != nil {
		return fmt.Errorf("collecting the nodes' logs: %w", withOutput(err))
	}
	return nil
}

// Destroy deletes the cluster if this process made it, and otherwise removes the capture agents from it.
func (c *Cluster) Destroy(ctx context.Context) error {
	var err error
	if c.ours {
		if err = c.provider.Delete(c.name, c.Kubeconfig()); err != nil {
			err = fmt.Errorf("deleting the kind cluster %q: %w", c.name, withOutput(err))
		}
	} else {
		err = c.agents.Close(ctx)
	}
	return errors.Join(err, c.dir.Remove())
}
