package embedded

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded/announcer"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

var _ clusters.LoadBalancers = (*Cluster)(nil)

// AnnouncingNode returns the node that announces the address of a load balancer, "" while none does.
func (c *Cluster) AnnouncingNode(ctx context.Context, address netip.Addr) (string, error) {
	_, client, err := kubeclient.Connect(c.Kubeconfig(), kubeclient.Options{})
	if err != nil {
		return "", err
	}
	name := announcer.LeaseName(address)
	lease, err := client.CoordinationV1().Leases(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the Lease %s: %w", name, err)
	case lease.Spec.HolderIdentity == nil:
		return "", nil
	}
	return *lease.Spec.HolderIdentity, nil
}

const (
	// kubeletPort is open on every node.
	kubeletPort       = 10250
	reconnectTimeout  = 30 * time.Second
	reconnectInterval = 100 * time.Millisecond
)

// Disconnect pulls out the network cable of a worker. The returned function plugs it in again, and waits until the node
// can be reached.
func (c *Cluster) Disconnect(ctx context.Context, node string) (reconnect func(context.Context) error, err error) {
	first := c.spec.Network.Nodes[0].Name
	if node == first {
		return nil, fmt.Errorf("node %s has the control plane, which the whole cluster needs: disconnect a worker", first)
	}
	if err := c.inside.Plug(ctx, control.PlugRequest{Node: node}); err != nil {
		return nil, fmt.Errorf("disconnecting node %s: %w", node, err)
	}
	return func(ctx context.Context) error { return c.reconnect(ctx, node) }, nil
}

func (c *Cluster) reconnect(ctx context.Context, node string) error {
	if err := c.inside.Plug(ctx, control.PlugRequest{Node: node, In: true}); err != nil {
		return fmt.Errorf("connecting node %s again: %w", node, err)
	}
	var address string
	for _, n := range c.spec.Network.Nodes {
		if n.Name == node {
			address = net.JoinHostPort(n.Address.String(), strconv.Itoa(kubeletPort))
		}
	}
	err := wait.PollUntilContextTimeout(ctx, reconnectInterval, reconnectTimeout, true, func(ctx context.Context) (bool, error) {
		attempt, cancel := context.WithTimeout(ctx, 10*reconnectInterval)
		defer cancel()
		conn, err := c.DialFrom(attempt, "router", "tcp", address)
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
	if err != nil {
		return fmt.Errorf("waiting for node %s to be reachable again: %w", node, err)
	}
	return nil
}
