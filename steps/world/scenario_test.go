package world_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/world"
)

func TestEventually(t *testing.T) {
	t.Parallel()
	errFailed := errors.New("failed")
	unsupported := fmt.Errorf("no such node: %w", clusters.ErrUnsupported)
	testbedOnly := fmt.Errorf("no log: %w", subject.ErrTestbedOnly)
	for name, test := range map[string]struct {
		results  []error // of the attempts; the last one is repeated
		want     error
		attempts int
	}{
		"at once":      {[]error{nil}, nil, 1},
		"later":        {[]error{errFailed, errFailed, nil}, nil, 3},
		"never":        {[]error{errFailed}, errFailed, 6}, // at 0, 200, … 1000 ms
		"unsupported":  {[]error{errFailed, unsupported}, clusters.ErrUnsupported, 2},
		"testbed only": {[]error{testbedOnly}, subject.ErrTestbedOnly, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				scenario := &world.Scenario{}
				scenario.Attach(evidence.Text{Title: "before"})
				attempts := 0
				err := scenario.Eventually(t.Context(), 1100*time.Millisecond, func(context.Context) error {
					scenario.Attach(evidence.Text{Title: fmt.Sprint("attempt ", attempts)})
					attempts++
					return test.results[min(attempts, len(test.results))-1]
				})
				if !errors.Is(err, test.want) || attempts != test.attempts {
					t.Errorf("%d attempts gave %v; want %d attempts and %v", attempts, err, test.attempts, test.want)
				}
				if kept := scenario.TakeEvidence(); len(kept) != 2 {
					t.Errorf("%d pieces of evidence were kept, want that of before and that of the last attempt", len(kept))
				}
			})
		})
	}
}

func TestEventuallyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		errFailed := errors.New("failed")
		start := time.Now()
		err := (&world.Scenario{}).Eventually(ctx, time.Hour, func(context.Context) error { cancel(); return errFailed })
		if !errors.Is(err, errFailed) || time.Since(start) > time.Second {
			t.Errorf("after %s: %v, want the error of the attempt", time.Since(start), err)
		}
	})
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if found := world.From(t.Context()); found != nil {
		t.Errorf("outside of a scenario there is %+v", found)
	}
	scenario := &world.Scenario{Namespace: &world.Namespace{Name: "shop"}}
	if found := world.From(world.NewContext(t.Context(), scenario)); found != scenario {
		t.Errorf("got %+v", found)
	}
	for object, want := range map[string][2]string{"cart": {"shop", "cart"}, "ingress/controller": {"ingress", "controller"}} {
		if namespace, name := scenario.Qualify(object); [2]string{namespace, name} != want {
			t.Errorf("%s is %s in %s, want %q", object, name, namespace, want)
		}
	}
}
