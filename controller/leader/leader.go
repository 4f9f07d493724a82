// Package leader elects one of the controller's replicas, by a Lease, for duties that only one may perform.
package leader

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// Election is who may lead and what a leader does.
type Election struct {
	Client kubernetes.Interface
	// Lease is made if it isn't there. Candidates are Pods of its namespace.
	Lease types.NamespacedName
	// Identity of this candidate, unique among them: the name of its Pod.
	Identity string
	// Duties are what the leader does, each until its context is done.
	Duties []func(context.Context)
	// Changed is called with true when this candidate begins to lead and with false when it no longer does.
	Changed func(leads bool)
}

// How long a Lease outlives a leader that crashed, and how it is renewed; client-go's usual values.
const (
	leaseDuration = 15 * time.Second
	renewWithin   = 10 * time.Second
	renewEvery    = 2 * time.Second
)

// Run is a candidate until ctx is done, also after it has lost the leadership. A leader gives its Lease back at the end. A
// candidate without identity or namespace runs outside of a cluster and leads at once.
func (e Election) Run(ctx context.Context) error {
	if e.Identity == "" || e.Lease.Namespace == "" {
		e.leadAlone(ctx)
		return nil
	}
	lock := podLock{client: e.Client, namespace: e.Lease.Namespace, lease: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: e.Lease.Namespace, Name: e.Lease.Name},
		Client:     e.Client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: e.Identity},
	}}
	for ctx.Err() == nil {
		var term term
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock:            lock,
			Name:            e.Lease.Name,
			LeaseDuration:   leaseDuration,
			RenewDeadline:   renewWithin,
			RetryPeriod:     renewEvery,
			ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(leading context.Context) {
					term.begin(func() {
						klog.V(2).InfoS("This controller leads now", "identity", e.Identity)
						e.Changed(true)
						for _, duty := range e.Duties {
							term.duties.Go(func() { duty(leading) })
						}
					})
				},
				OnStoppedLeading: func() { term.end(func() { e.Changed(false) }) },
			},
		})
		if err != nil {
			return fmt.Errorf("preparing the election of a leader: %w", err)
		}
		elector.Run(ctx)
		term.duties.Wait()
	}
	return nil
}

func (e Election) leadAlone(ctx context.Context) {
	var duties sync.WaitGroup
	e.Changed(true)
	for _, duty := range e.Duties {
		duties.Go(func() { duty(ctx) })
	}
	duties.Wait()
	e.Changed(false)
}

// term is one stretch of leading. The elector begins it on a goroutine that may come to run only after it has ended.
type term struct {
	mu     sync.Mutex
	over   bool
	duties sync.WaitGroup
}

func (t *term) begin(start func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		start()
	}
}

func (t *term) end(stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	stop()
}
