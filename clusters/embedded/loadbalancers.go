package embedded

import (
	"context"
	"fmt"
	"net/netip"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded/announcer"
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
