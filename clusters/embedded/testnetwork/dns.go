//go:build linux

package testnetwork

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/clusterdns"
)

// dnsImage is the image in the archive that Spec.Images names.
const dnsImage = "testbed.local/coredns:dev"

// loadImages makes the images that the cluster itself runs known to all nodes.
func (r *testNetwork) loadImages(ctx context.Context) error {
	for _, archive := range r.spec.Images {
		if _, err := loadImage(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

// deployDNS creates the cluster's DNS server. It becomes ready after the nodes.
func (r *testNetwork) deployDNS(ctx context.Context) error {
	err := poll(ctx, func(ctx context.Context) error { // the API server creates it soon after it is ready
		_, err := r.client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for namespace %s: %w", metav1.NamespaceSystem, err)
	}
	return clusterdns.Deploy(ctx, r.client, clusterdns.Config{
		Image: dnsImage, Address: r.spec.Network.ClusterDNS(), Domain: clusterDomain,
	})
}
