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

// Cluster is a run's part of a cluster that somebody else made.
type Cluster struct {
	config Config
	dir    *tempdir.Dir // holds the kubeconfig
	path   string
	access *access
	route  route
	broom  *broom
	agents *podcapture.Agents
}

var _ clusters.Cluster = (*Cluster)(nil)

// Connect checks that the cluster can be used and makes the run's first namespace.
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
	config.note("Using the cluster of context %q, its controller reached by %s", access.context, found.reach)
	broom, err := newBroom(access.rest)
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: config, access: access, route: found, broom: broom}
	if err := c.settle(ctx); err != nil {
		return nil, errors.Join(err, c.Destroy(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// settle makes what is there for the whole run.
func (c *Cluster) settle(ctx context.Context) error {
	var err error
	if c.dir, err = tempdir.Make("kubeconfig"); err != nil {
		return err
	}
	if c.path, err = c.access.writePrivate(c.dir.Path(), c.config.StoryNamespace()); err != nil {
		return err
	}
	own, err := owner()
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: c.config.StoryNamespace(), Labels: c.labels(), Annotations: map[string]string{ownerAnnotation: own},
	}}
	if _, err := c.access.clientset.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("making the run's namespace: %w", err)
	}
	c.agents = podcapture.New(podcapture.Config{
		REST: c.access.rest, Clientset: c.access.clientset, Nodes: c.Nodes, Labels: c.labels(),
		Namespace: c.config.CaptureNamespace(), Image: c.config.image(podcapture.DefaultImage),
	})
	return nil
}

func (c *Cluster) labels() map[string]string {
	return map[string]string{RunLabel: c.config.Run, "app.kubernetes.io/managed-by": "ingress-testbed"}
}

// Reach is the way to the controller that was chosen or found.
func (c *Cluster) Reach() Reach { return c.route.reach }

// Name is the context's.
func (c *Cluster) Name() string { return c.access.context }

// Kubeconfig is a file of this process, with the context alone; the user's own is not touched.
func (c *Cluster) Kubeconfig() string { return c.path }

// Nodes of the cluster. Where they are not reached directly, their ExternalIP only tells them apart, and nothing is known
// of masquerading, as nothing passes the nodes' ports.
func (c *Cluster) Nodes(ctx context.Context) ([]clusters.Node, error) {
	nodes, err := nodeinfo.Nodes(ctx, c.access.clientset)
	for i := range nodes {
		direct := c.route.reach == ReachNodePort
		if !direct || c.route.internal {
			nodes[i].ExternalIP = nodes[i].InternalIP
		}
		if !direct {
			nodes[i].Masquerade = nil
		}
	}
	return nodes, err
}

// Client is this machine, by the way that was chosen.
func (c *Cluster) Client() clusters.Client { return c.route.client }

// LoadImage can't: what runs the nodes of somebody else's cluster is not for a guest to know.
func (c *Cluster) LoadImage(_ context.Context, archive string) error {
	return fmt.Errorf("loading the image archive %s: load it into the nodes yourself, or use a registry: %w", archive, clusters.ErrUnsupported)
}

// Capture has an agent on the node listen.
func (c *Cluster) Capture(ctx context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	return c.agents.Capture(ctx, target)
}

// ExportLogs writes what the API tells of the cluster's parts.
func (c *Cluster) ExportLogs(ctx context.Context, dir string) error {
	return nodeinfo.ExportLogs(ctx, c.access.clientset, dir)
}

// Destroy removes everything that the run made, and nothing else.
func (c *Cluster) Destroy(ctx context.Context) error {
	found, err := c.broom.find(ctx, c.config.Run)
	if err == nil {
		err = c.broom.remove(ctx, found)
	}
	if err != nil {
		err = fmt.Errorf("removing what the run made in the cluster of context %q (testbed cleanup tries again): %w", c.access.context, err)
	}
	if c.dir != nil {
		err = errors.Join(err, c.dir.Remove())
	}
	return err
}
