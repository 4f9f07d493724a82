package leader_test

import (
	"context"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
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
	client := fake.NewClientset()
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
