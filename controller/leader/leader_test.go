package leader_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ingress-testbed/testbed/controller/leader"
)

const patience = 30 * time.Second

// candidate records what an Election does.
type candidate struct {
	leads  chan bool
	duty   chan string
	cancel context.CancelFunc
	ended  chan error
}

func stand(t *testing.T, client kubernetes.Interface, identity string) *candidate {
	t.Helper()
	c := &candidate{leads: make(chan bool, 10), duty: make(chan string, 10), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	election := leader.Election{
		Client: client, Identity: identity, Lease: types.NamespacedName{Namespace: "ingress", Name: "leader"},
		Duties: []func(context.Context){func(ctx context.Context) {
			c.duty <- "begun"
			<-ctx.Done()
			c.duty <- "ended"
		}},
		Changed: func(leads bool) { c.leads <- leads },
	}
	go func() { c.ended <- election.Run(ctx) }()
	t.Cleanup(cancel)
	return c
}

func next[T comparable](t *testing.T, from <-chan T, want T) {
	t.Helper()
	select {
	case got := <-from:
		if got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("%v did not come", want)
	}
}

func TestALeaderHandsOver(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset(
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "first"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "second"}},
	)
	first := stand(t, client, "first")
	next(t, first.leads, true)
	next(t, first.duty, "begun")
	second := stand(t, client, "second")

	first.cancel()
	next(t, first.duty, "ended")
	next(t, first.leads, false)
	next(t, first.ended, nil)
	next(t, second.leads, true)
	next(t, second.duty, "begun")

	second.cancel()
	next(t, second.ended, nil)
	object, err := client.Tracker().Get(coordinationv1.SchemeGroupVersion.WithResource("leases"), "ingress", "leader")
	if err != nil {
		t.Fatal(err)
	}
	if holder := object.(*coordinationv1.Lease).Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("%q still holds the Lease", *holder)
	}
}

// A leader whose Pod was deleted together with its permissions can't give its Lease back.
func TestALeaseWhoseHolderIsGoneIsFree(t *testing.T) {
	t.Parallel()
	holder := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "first"}}
	for _, test := range []struct {
		name  string
		pods  []runtime.Object
		leads bool
	}{
		{"gone", nil, true},
		{"another namespace's", []runtime.Object{&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "first"}}}, true},
		{"still there", []runtime.Object{holder}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewClientset(append(test.pods, heldLease())...)
				second := stand(t, client, "second")
				time.Sleep(10 * time.Second) // of the bubble's clock; a Lease expires after 15
				synctest.Wait()
				if led := len(second.leads) > 0; led != test.leads {
					t.Errorf("the other candidate leads: %t, want %t", led, test.leads)
				}
				second.cancel()
				next(t, second.ended, nil)
			})
		})
	}
}

func heldLease() *coordinationv1.Lease {
	holder, seconds, now := "first", int32(15), metav1.NowMicro()
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "leader"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now},
	}
}

func TestWithoutIdentityThereIsNoElection(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	alone := stand(t, client, "")
	next(t, alone.leads, true)
	next(t, alone.duty, "begun")
	alone.cancel()
	next(t, alone.duty, "ended")
	next(t, alone.leads, false)
	next(t, alone.ended, nil)
	if actions := client.Actions(); len(actions) > 0 {
		t.Errorf("asked the API server for %v", actions)
	}
}
