package controller_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// recorder is a source, a data plane and an observer in one.
type recorder struct {
	changed  chan struct{}
	outcomes chan controller.Outcome
	refuse   []error

	mu      sync.Mutex
	hosts   []string
	applied int
}

func (r *recorder) Changed() <-chan struct{} { return r.changed }

func (r *recorder) Take() controller.Change { return controller.Change{Other: true} }

func (r *recorder) EndpointSlices(types.NamespacedName) []*discoveryv1.EndpointSlice { return nil }

func (r *recorder) Update([]route.Upstream) ([]error, error) { return nil, errors.New("not expected") }

func (r *recorder) Snapshot() *snapshot.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "x"}}
	for _, host := range r.hosts {
		ingress.Spec.Rules = append(ingress.Spec.Rules, networkingv1.IngressRule{Host: host})
	}
	return &snapshot.Snapshot{Ingresses: []*networkingv1.Ingress{ingress}}
}

func (r *recorder) Apply(*route.Table) []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied++
	return r.refuse
}

func (r *recorder) Observe(outcome controller.Outcome) { r.outcomes <- outcome }

func (r *recorder) change(hosts ...string) {
	r.mu.Lock()
	r.hosts = hosts
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func run(t *testing.T, r *recorder) (clock *clocktesting.FakeClock) {
	t.Helper()
	r.changed, r.outcomes = make(chan struct{}, 1), make(chan controller.Outcome, 10)
	clock = clocktesting.NewFakeClock(time.Unix(0, 0))
	loop := controller.Loop{
		Source: r, DataPlane: r, Observers: []controller.Observer{r}, Clock: clock, HoldOff: controller.HoldOff,
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); loop.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return clock
}

func (r *recorder) outcome(t *testing.T) controller.Outcome {
	t.Helper()
	select {
	case outcome := <-r.outcomes:
		return outcome
	case <-time.After(10 * time.Second):
		t.Fatal("no round")
		return controller.Outcome{}
	}
}

// rest waits until the loop holds off.
func rest(t *testing.T, clock *clocktesting.FakeClock) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !clock.HasWaiters(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the loop does not rest")
		}
	}
}

func TestTheFirstChangeIsActedUponAtOnce(t *testing.T) {
	r := &recorder{}
	run(t, r)
	r.change("a.example.com")
	outcome := r.outcome(t)
	if !outcome.Applied || len(outcome.Table.Hosts) != 1 || outcome.Table.Hosts[0].Name != "a.example.com" {
		t.Errorf("%+v", outcome)
	}
}

func TestChangesDuringTheHoldOffAreOneRound(t *testing.T) {
	r := &recorder{}
	clock := run(t, r)
	r.change("a.example.com")
	r.outcome(t)
	rest(t, clock)
	for _, host := range []string{"b.example.com", "c.example.com", "d.example.com"} {
		r.change(host)
	}
	clock.Step(controller.HoldOff - time.Millisecond)
	select {
	case outcome := <-r.outcomes:
		t.Fatalf("a round before the hold-off was over: %+v", outcome)
	case <-time.After(20 * time.Millisecond):
	}
	clock.Step(time.Millisecond)
	if outcome := r.outcome(t); outcome.Table.Hosts[0].Name != "d.example.com" {
		t.Errorf("the round served %s", outcome.Table.Hosts[0].Name)
	}
	rest(t, clock)
	clock.Step(controller.HoldOff)
	select {
	case outcome := <-r.outcomes:
		t.Fatalf("a round without a change: %+v", outcome)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestAnEqualTableIsNotAppliedAgain(t *testing.T) {
	r := &recorder{}
	clock := run(t, r)
	for i, want := range []struct {
		host    string
		applied bool
	}{{"a.example.com", true}, {"a.example.com", false}, {"b.example.com", true}} {
		r.change(want.host)
		if outcome := r.outcome(t); outcome.Applied != want.applied {
			t.Errorf("round %d: applied is %t", i, outcome.Applied)
		}
		rest(t, clock)
		clock.Step(controller.HoldOff)
	}
	if r.applied != 2 {
		t.Errorf("%d tables were applied", r.applied)
	}
}

func TestWhatTheDataPlaneRefusesIsTold(t *testing.T) {
	refused := errors.New("no such thing")
	r := &recorder{refuse: []error{refused}}
	run(t, r)
	r.change("a.example.com")
	if outcome := r.outcome(t); len(outcome.Refused) != 1 || !errors.Is(outcome.Refused[0], refused) {
		t.Errorf("refused: %v", outcome.Refused)
	}
}
