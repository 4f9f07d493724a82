package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/nodeinfo"
	"github.com/ingress-testbed/testbed/clusters/podcapture"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// Cluster is a run's part of a cluster that others use too.
type Cluster struct {
	config  Config
	dir     *tempdir.Dir // holds the kubeconfig
	path    string
	access  *access
	route   route
	cleaner *cleaner
	agents  *podcapture.Agents
}

var _ clusters.Cluster = (*Cluster)(nil)

// Connect checks that the cluster can be used and creates the run's first namespace.
func Connect(ctx context.Context, config Config) (*Cluster, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	access, err := config.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := config.checkRights(ctx, access.clientset, access.context); err != nil {
		return nil, err
	}
	if err := checkImages(ctx, access.clientset, config); err != nil {
		return nil, err
	}
	nodes, err := nodeinfo.Nodes(ctx, access.clientset)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("the cluster of context %q has no nodes", access.context)
	}
	found, err := config.findRoute(ctx, access, nodes)
	if err != nil {
		return nil, err
	}
	config.note("Using the cluster of context %q, with the controller reached by %s", access.context, found.reach)
	cleaner, err := newCleaner(access.rest)
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: config, access: access, route: found, cleaner: cleaner}
	if err := c.setUp(ctx); err != nil {
		return nil, errors.Join(err, c.Destroy(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// setUp creates the run's kubeconfig and, unless it is a lasting change, its first namespace.
func (c *Cluster) setUp(ctx context.Context) error {
	var err error
	if c.dir, err = tempdir.Make("kubeconfig"); err != nil {
		return err
	}
	namespace := c.config.Namespace()
	if c.config.Lasting {
		namespace = metav1.NamespaceDefault
	}
	if c.path, err = c.access.writePrivate(c.dir.Path(), namespace); err != nil {
		return err
	}
	c.agents = podcapture.New(podcapture.Config{
		REST: c.access.rest, Clientset: c.access.clientset, Nodes: c.Nodes, Labels: c.labels(),
		Namespace: c.config.CaptureNamespace(), Image: c.config.image(podcapture.DefaultImage),
	})
	if c.config.Lasting {
		return nil
	}
	return c.createNamespace(ctx)
}

// createNamespace creates the run's first namespace, which names the process that it belongs to.
func (c *Cluster) createNamespace(ctx context.Context) error {
	own, err := owner()
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: c.config.Namespace(), Labels: c.labels(), Annotations: map[string]string{ownerAnnotation: own},
	}}
	if _, err := c.access.clientset.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating the run's namespace: %w", err)
	}
	return nil
}

func (c *Cluster) labels() map[string]string {
	return map[string]string{RunLabel: c.config.Run, "app.kubernetes.io/managed-by": "ingress-testbed"}
}

// Access is the path to the controller that was chosen or detected.
func (c *Cluster) Access() clusters.Access {
	return clusters.Access{
		Reach: c.route.reach, HidesClient: !c.route.client.Addr().IsValid(), NodePorts: c.route.reach == clusters.ReachNodePort,
	}
}

// Name of the context.
func (c *Cluster) Name() string { return c.access.context }

// Kubeconfig is a private file of this process with this context only; the user's own is not written.
func (c *Cluster) Kubeconfig() string { return c.path }

// Nodes of the cluster. If they are not reached directly, their ExternalIP only identifies them, and no masquerading is
// reported, since no request passes through the nodes' ports.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) {
	nodes, err := nodeinfo.Nodes(ctx, c.access.clientset)
	for i := range nodes {
		direct := c.route.reach == clusters.ReachNodePort
		if !direct || c.route.internal {
			nodes[i].ExternalIP = nodes[i].InternalIP
		}
		if !direct {
			nodes[i].Masquerade = nil
		}
	}
	return nodes, err
}

// Client is this machine, by the path of Access.
func (c *Cluster) Client() clusters.Client { return c.route.client }

// LoadImage is not supported: a guest has no access to the container runtime of the nodes.
func (c *Cluster) LoadImage(_ context.Context, archive string) error {
	return fmt.Errorf("loading the image archive %s: load it into the nodes yourself, or use a registry: %w", archive, clusters.ErrUnsupported)
}

// Capture starts an agent on the node that captures packets.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.agents.Capture(ctx, target)
}

// ExportLogs writes to dir what the API server has about the cluster's components.
func (c *Cluster) ExportLogs(ctx context.Context, dir string) error {
	return nodeinfo.ExportLogs(ctx, c.access.clientset, dir)
}

// Destroy removes everything that the run created, and nothing else.
func (c *Cluster) Destroy(ctx context.Context) error {
	found, err := c.cleaner.find(ctx, c.config.Run)
	if err == nil {
		err = c.cleaner.remove(ctx, found)
	}
	if err != nil {
		err = fmt.Errorf("removing the objects of the run from the cluster of context %q (retry with testbed cleanup): %w", c.access.context, err)
	}
	if c.dir != nil {
		err = errors.Join(err, c.dir.Remove())
	}
	return err
}
