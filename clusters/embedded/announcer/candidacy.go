package announcer

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcoordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

// A node that is cut off stops announcing after renewDeadline and as long again, in which it tries to release the Lease.
// Another starts after leaseDuration at the earliest, so that there are never two.
const (
	leaseDuration = 6 * time.Second
	renewDeadline = 2500 * time.Millisecond
	retryPeriod   = 500 * time.Millisecond
)

// candidacy is a node's for an address: while the node can serve it, it tries to get the address's Lease, and announces
// the address while it holds the Lease.
type candidacy struct {
	node     string
	address  netip.Addr
	assigned assignment

	healthy healthCheck
	leases  typedcoordinationv1.LeasesGetter
	// announce announces the address until its context ends.
	announce func(context.Context, netip.Addr)
	events   record.EventRecorder
	log      *slog.Logger
}

// run lasts until ctx ends. Then the address is no longer announced, and the Lease is released.
func (c candidacy) run(ctx context.Context) {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for {
		if c.healthy(ctx, c.assigned.healthPort) {
			c.stand(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// stand takes part in the election until the node can't serve the address any more, has lost the Lease, or ctx ends.
func (c candidacy) stand(ctx context.Context) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	elected := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: LeaseName(c.address)},
			Client:     c.leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: c.node},
		},
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { elected <- ctx },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		c.log.Error("taking part in the election of the announcing node", "address", c.address, "error", err)
		return
	}
	tasks.Go(func() {
		c.awaitUnhealthy(ctx)
		cancel()
	})
	tasks.Go(func() {
		select {
		case leading := <-elected:
			c.lead(leading)
		case <-ctx.Done():
		}
	})
	elector.Run(ctx)
}

func (c candidacy) lead(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	c.log.Info("announcing the address of a load balancer", "address", c.address, "service", c.assigned.service)
	c.events.Eventf(c.assigned.reference(), corev1.EventTypeNormal, "NodeAssigned", "node %s announces %s", c.node, c.address)
	c.announce(ctx, c.address)
	c.log.Info("no longer announcing the address of a load balancer", "address", c.address, "service", c.assigned.service)
}

// awaitUnhealthy returns when the node can't serve the address any more, or ctx ends.
func (c candidacy) awaitUnhealthy(ctx context.Context) {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !c.healthy(ctx, c.assigned.healthPort) {
			return
		}
	}
}
