//go:build linux

package testnetwork

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// furtherServiceCIDR is the name of the ServiceCIDR beside that of the API server's own range, which Kubernetes names "kubernetes".
const furtherServiceCIDR = "further"

// addServiceCIDR makes the further range of cluster IPs, if there is one in the plan.
func (r *testNetwork) addServiceCIDR(ctx context.Context) error {
	cidr := r.spec.Network.FurtherServiceCIDR
	if !cidr.IsValid() {
		return nil
	}
	_, err := r.client.NetworkingV1().ServiceCIDRs().Create(ctx, &networkingv1.ServiceCIDR{
		ObjectMeta: metav1.ObjectMeta{Name: furtherServiceCIDR},
		Spec:       networkingv1.ServiceCIDRSpec{CIDRs: []string{cidr.String()}},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("adding the cluster IPs %s: %w", cidr, err)
	}
	return nil
}
