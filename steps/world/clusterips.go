package world

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// clusterIPs counts the Services that are left in a cluster, since each has one of its cluster IPs. Its methods may be called from
// several goroutines.
type clusterIPs struct {
	client kubernetes.Interface

	mu    sync.Mutex
	known bool
	spare int // Services that may still be left
}

// take reports whether a Service may be left. Half of all cluster IPs are kept for those of later scenarios. A cluster that doesn't say
// how many it has has none to spare.
func (c *clusterIPs) take(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		if all, err := c.count(ctx); err == nil {
			c.spare = all / 2
		}
		c.known = true
	}
	if c.spare <= 0 {
		return false
	}
	c.spare--
	return true
}

// mostCounted is more than a run has Services, and bounds each range.
const mostCounted = 1 << 16

// count returns how many IPv4 addresses the cluster's objects of the kind ServiceCIDR have.
func (c *clusterIPs) count(ctx context.Context) (int, error) {
	found, err := c.client.NetworkingV1().ServiceCIDRs().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("reading the ranges of cluster IPs: %w", err)
	}
	all := 0
	for _, item := range found.Items {
		for _, text := range item.Spec.CIDRs {
			if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Addr().Is4() {
				all += min(mostCounted, 1<<(32-prefix.Bits()))
			}
		}
	}
	return all, nil
}
