package status_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/status"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

func resource() schema.GroupVersionResource {
	return networkingv1.SchemeGroupVersion.WithResource("ingresses")
}

// addresses are one address, which may be changed.
type addresses struct {
	text    atomic.Value
	changed chan struct{}
}

func (a *addresses) Addresses() []networkingv1.IngressLoadBalancerIngress {
	return status.Of([]string{a.text.Load().(string)})
}
func (a *addresses) Changed() <-chan struct{} { return a.changed }

func (a *addresses) set(text string) {
	a.text.Store(text)
	a.changed <- struct{}{}
}

type fixture struct {
	client    *fake.Clientset
	clock     *clocktesting.FakeClock
	addresses *addresses
	publisher *status.Publisher
}

func setUp(t *testing.T, ingresses ...*networkingv1.Ingress) *fixture {
	t.Helper()
	f := &fixture{
		client:    fake.NewClientset(),
		clock:     clocktesting.NewFakeClock(time.Unix(0, 0)),
		addresses: &addresses{changed: make(chan struct{}, 1)},
	}
	f.addresses.text.Store("192.0.2.1")
	for _, ingress := range ingresses {
		if err := f.client.Tracker().Create(resource(), ingress, ingress.Namespace); err != nil {
			t.Fatal(err)
		}
	}
	f.publisher = status.NewPublisher(f.client, f.addresses, f.clock)
	return f
}

func (f *fixture) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); f.publisher.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// serve notifies the publisher that the data plane serves some of the Ingresses.
func (f *fixture) serve(all []*networkingv1.Ingress, served ...string) {
	result := translate.Result{Served: map[types.NamespacedName]bool{}}
	for _, name := range served {
		result.Served[types.NamespacedName{Namespace: "default", Name: name}] = true
	}
	f.publisher.Observe(controller.Outcome{Snapshot: &snapshot.Snapshot{Ingresses: all}, Result: result})
}

func (f *fixture) address(t *testing.T, name string) string {
	t.Helper()
	object, err := f.client.Tracker().Get(resource(), "default", name)
	if err != nil {
		t.Fatal(err)
	}
	return texts(object.(*networkingv1.Ingress).Status.LoadBalancer.Ingress)
}

func (f *fixture) expect(t *testing.T, name, want string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); f.address(t, name) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Ingress %s has the address %q, want %q", name, f.address(t, name), want)
		}
	}
}

func named(name string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func TestOnlyWhatIsServedGetsAnAddress(t *testing.T) {
	all := []*networkingv1.Ingress{named("served"), named("broken")}
	f := setUp(t, all...)
	f.run(t)
	f.serve(all, "served")
	f.expect(t, "served", "192.0.2.1")
	if got := f.address(t, "broken"); got != "" {
		t.Errorf("the Ingress that is not served has the address %q", got)
	}
}

func TestANewAddressIsWritten(t *testing.T) {
	all := []*networkingv1.Ingress{named("a")}
	f := setUp(t, all...)
	f.run(t)
	f.serve(all, "a")
	f.expect(t, "a", "192.0.2.1")
	f.addresses.set("lb.example.com")
	f.expect(t, "a", "lb.example.com")
}

func TestARightStatusIsNotWrittenAgain(t *testing.T) {
	ingress := named("a")
	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{
		IP: "192.0.2.1", Ports: []networkingv1.IngressPortStatus{{Port: 80}},
	}}
	f := setUp(t, ingress)
	f.serve([]*networkingv1.Ingress{ingress}, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f.publisher.Run(ctx)
	if actions := f.client.Actions(); len(actions) > 0 {
		t.Errorf("asked the API server for %v", actions)
	}
}

func TestAConflictIsTriedAgainWithTheLatest(t *testing.T) {
	all := []*networkingv1.Ingress{named("a")}
	f := setUp(t, all...)
	var tries atomic.Int32
	f.client.PrependReactor("update", "ingresses", func(clienttesting.Action) (bool, runtime.Object, error) {
		if tries.Add(1) == 1 {
			return true, nil, apierrors.NewConflict(resource().GroupResource(), "a", errors.New("it has changed"))
		}
		return false, nil, nil
	})
	f.run(t)
	f.serve(all, "a")
	f.expect(t, "a", "192.0.2.1")
}

func TestAFailureIsTriedAgainSoon(t *testing.T) {
	all := []*networkingv1.Ingress{named("a"), named("deleted")}
	f := setUp(t, all[0])
	var fail atomic.Bool
	fail.Store(true)
	f.client.PrependReactor("update", "ingresses", func(clienttesting.Action) (bool, runtime.Object, error) {
		if fail.Load() {
			return true, nil, apierrors.NewInternalError(errors.New("not now"))
		}
		return false, nil, nil
	})
	f.serve(all, "a", "deleted")
	f.run(t)
	for deadline := time.Now().Add(10 * time.Second); len(f.client.Actions()) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was tried")
		}
	}
	fail.Store(false)
	for deadline := time.Now().Add(10 * time.Second); f.address(t, "a") == ""; time.Sleep(time.Millisecond) {
		f.clock.Step(time.Second)
		if time.Now().After(deadline) {
			t.Fatal("it was not tried again")
		}
	}
}

func TestClearHasTheLastWord(t *testing.T) {
	all := []*networkingv1.Ingress{named("a")}
	f := setUp(t, all...)
	f.run(t)
	f.serve(all, "a")
	f.expect(t, "a", "192.0.2.1")
	object, err := f.client.Tracker().Get(resource(), "default", "a")
	if err != nil {
		t.Fatal(err)
	}
	current := []*networkingv1.Ingress{object.(*networkingv1.Ingress)}
	f.serve(current, "a")
	f.publisher.Clear(t.Context())
	f.addresses.set("192.0.2.2")
	f.serve(all, "a")
	time.Sleep(20 * time.Millisecond) // for the running publisher to make a mistake
	if got := f.address(t, "a"); got != "" {
		t.Errorf("the address %q was written after Clear", got)
	}
}

func TestAnIngressWaitsForAServiceThatIsLate(t *testing.T) {
	late, other := named("late"), named("other")
	f := setUp(t, late, other)
	f.run(t)
	f.serveWithout(late, other)
	f.expect(t, "other", "192.0.2.1") // which is written after the other one
	if got := f.address(t, "late"); got != "" {
		t.Fatalf("an Ingress whose Service is not known yet has the address %q", got)
	}
	f.serve([]*networkingv1.Ingress{late}, "late")
	f.expect(t, "late", "192.0.2.1")
}

func TestAnIngressWithoutItsServiceGetsAnAddressAfterASecond(t *testing.T) {
	missing, other := named("missing"), named("other")
	f := setUp(t, missing, other)
	f.run(t)
	f.serveWithout(missing, other)
	f.expect(t, "other", "192.0.2.1")
	f.clock.Step(time.Second)
	f.serveWithout(missing, other) // a change doesn't start the second anew
	f.expect(t, "missing", "192.0.2.1")
}

func TestTheSecondEndsWithoutAChange(t *testing.T) {
	missing := named("missing")
	f := setUp(t, missing)
	f.run(t)
	f.serveWithout(missing)
	deadline := time.Now().Add(10 * time.Second)
	for f.address(t, "missing") == "" { // the publisher may not wait for the clock yet
		if time.Now().After(deadline) {
			t.Fatal("the Ingress got no address")
		}
		f.clock.Step(time.Second)
		time.Sleep(time.Millisecond)
	}
}

// serveWithout notifies the publisher that the data plane serves Ingresses, and that the Service of the first is missing.
func (f *fixture) serveWithout(all ...*networkingv1.Ingress) {
	served := map[types.NamespacedName]bool{}
	for _, ingress := range all {
		served[snapshot.Key(ingress)] = true
	}
	f.publisher.Observe(controller.Outcome{
		Snapshot: &snapshot.Snapshot{Ingresses: all},
		Result: translate.Result{Served: served, Problems: []problem.Problem{
			{Reason: problem.ServiceNotFound, Object: problem.IngressObject(all[0])},
		}},
	})
}
