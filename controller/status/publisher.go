// Package status writes the addresses at which Ingresses are served into their status.
package status

import (
	"context"
	"slices"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/snapshot"
)

const (
	// every is how often all statuses are checked even if nothing changed: another client may have written to one.
	every = time.Minute
	// again is how soon a status is written again after that failed.
	again = 5 * time.Second
	// missingFor is how long an Ingress without addresses waits for an object that it needs. The API server sends the
	// changes of each kind by themselves, so that an Ingress can arrive before a Service that was made earlier; an
	// address at that moment would invite requests that get 503. If the object is really missing, the address is right
	// all the same, since the answer 503 is.
	missingFor = time.Second
)

// Addresses has the addresses at which the controller is reached.
type Addresses interface {
	Addresses() []networkingv1.IngressLoadBalancerIngress
	// Changed gets a value after every change.
	Changed() <-chan struct{}
}

// Publisher writes statuses. It observes the controller's loop, so that an Ingress gets its addresses once the data
// plane serves it and not before.
type Publisher struct {
	client    kubernetes.Interface
	addresses Addresses
	clock     clock.Clock

	changed chan struct{}
	mu      sync.Mutex
	served  []*networkingv1.Ingress
	missing map[types.NamespacedName]time.Time // since when an Ingress needs an object that is not there

	writing   sync.Mutex // held while statuses are written, so that Clear comes last
	withdrawn bool       // since Clear
}

// NewPublisher makes a Publisher.
func NewPublisher(client kubernetes.Interface, addresses Addresses, clock clock.Clock) *Publisher {
	return &Publisher{client: client, addresses: addresses, clock: clock, changed: make(chan struct{}, 1)}
}

// Observe implements controller.Observer.
func (p *Publisher) Observe(outcome controller.Outcome) {
	var served []*networkingv1.Ingress
	for _, ingress := range outcome.Snapshot.Ingresses {
		if outcome.Served[snapshot.Key(ingress)] {
			served = append(served, ingress)
		}
	}
	p.mu.Lock()
	p.served = served
	p.missing = p.stillMissing(outcome)
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// stillMissing returns the Ingresses that need an object that is not there, and since when.
func (p *Publisher) stillMissing(outcome controller.Outcome) map[types.NamespacedName]time.Time {
	now := p.clock.Now()
	missing := map[types.NamespacedName]time.Time{}
	for _, problem := range outcome.Problems {
		key := types.NamespacedName{Namespace: problem.Object.Namespace, Name: problem.Object.Name}
		if problem.Object.Kind != "Ingress" || !problem.Reason.MayBeLate() {
			continue
		}
		missing[key] = now
		if since, known := p.missing[key]; known {
			missing[key] = since
		}
	}
	return missing
}

// Run keeps the statuses right until ctx is done. Only one controller may do so at a time.
func (p *Publisher) Run(ctx context.Context) {
	next := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		case <-p.addresses.Changed():
		case <-p.clock.After(next):
		}
		next = p.write(ctx)
	}
}

// Clear removes the addresses from all statuses, for the last controller before it ends.
func (p *Publisher) Clear(ctx context.Context) {
	p.writing.Lock()
	p.withdrawn = true
	p.writing.Unlock()
	p.write(ctx)
}

// write updates all statuses and returns how soon that has to be done again.
func (p *Publisher) write(ctx context.Context) time.Duration {
	p.writing.Lock()
	defer p.writing.Unlock()
	var addresses []networkingv1.IngressLoadBalancerIngress
	if !p.withdrawn {
		addresses = p.addresses.Addresses()
	}
	p.mu.Lock()
	served, missing := p.served, p.missing
	p.mu.Unlock()
	next := every
	for _, ingress := range served {
		current := ingress.Status.LoadBalancer.Ingress
		if sameAddresses(current, addresses) {
			continue
		}
		if since, waits := missing[snapshot.Key(ingress)]; waits && len(current) == 0 {
			if left := missingFor - p.clock.Since(since); left > 0 {
				next = min(next, left)
				continue
			}
		}
		if !p.update(ctx, ingress, addresses) {
			next = min(next, again)
		}
		if ctx.Err() != nil {
			return again
		}
	}
	return next
}

func (p *Publisher) update(ctx context.Context, known *networkingv1.Ingress,
	addresses []networkingv1.IngressLoadBalancerIngress,
) bool {
	klog.V(2).InfoS("Updating the status of an Ingress", "ingress", klog.KObj(known), "addresses", addresses)
	client := p.client.NetworkingV1().Ingresses(known.Namespace)
	ingress := known.DeepCopy()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		ingress.Status.LoadBalancer.Ingress = addresses
		_, err := client.UpdateStatus(ctx, ingress, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return err
		}
		latest, getErr := client.Get(ctx, known.Name, metav1.GetOptions{})
		if getErr != nil {
			return getErr
		}
		ingress = latest
		return err
	})
	if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
		return true // or the controller is stopping
	}
	klog.ErrorS(err, "Updating the status of an Ingress failed", "ingress", klog.KObj(known))
	return false
}

// sameAddresses compares addresses in any order. Ports are not compared: the controller writes none.
func sameAddresses(a, b []networkingv1.IngressLoadBalancerIngress) bool {
	texts := func(list []networkingv1.IngressLoadBalancerIngress) []string {
		all := make([]string, 0, len(list))
		for _, address := range list {
			all = append(all, address.IP+"/"+address.Hostname)
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(texts(a), texts(b))
}
