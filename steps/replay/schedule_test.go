package replay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

func ingress(hosts ...string) record.Object {
	var rules []any
	for _, host := range hosts {
		rules = append(rules, map[string]any{"host": host})
	}
	return record.Object{"kind": "Ingress", "metadata": map[string]any{"name": "i"}, "spec": map[string]any{"rules": rules}}
}

func about(objects ...record.Object) *record.Case { return &record.Case{Objects: objects} }

func TestAlone(t *testing.T) {
	t.Parallel()
	defaultBackend := record.Object{"kind": "Ingress", "metadata": map[string]any{"name": "i"}, "spec": map[string]any{
		"defaultBackend": map[string]any{"service": map[string]any{"name": "a"}},
	}}
	for name, c := range map[string]struct {
		one  *record.Case
		want bool
	}{
		"a rule for a host":             {about(ingress("a.test")), false},
		"a rule for all hosts":          {about(ingress("a.test", "")), true},
		"a default backend":             {about(defaultBackend), true},
		"the ConfigMap changes":         {&record.Case{ConfigMap: map[string]string{"a": "b"}}, true},
		"the author says so":            {&record.Case{Alone: true}, true},
		"no Ingress, requests to hosts": {&record.Case{Requests: []record.Request{{Host: "a.test"}}}, false},
	} {
		if got := Alone(c.one); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestCasesWithACommonDomainAreInOneChain(t *testing.T) {
	t.Parallel()
	cases := []*record.Case{
		about(ingress("a.one.test")), about(ingress("two.test")), about(ingress("")), about(ingress("*.one.test")),
		about(ingress("three.test")), about(ingress("x.two.test", "three.test")), {Requests: []record.Request{{Host: "ONE.test"}}},
	}
	want := [][]int{{0, 3, 6}, {1, 4, 5}}
	got := chains(cases)
	for _, chain := range got {
		slices.Sort(chain)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Cases of a chain and those that run alone never overlap with what they could disturb.
func TestScheduleKeepsCasesApart(t *testing.T) {
	t.Parallel()
	cases := []*record.Case{
		about(ingress("one.test")), about(ingress("one.test")), about(ingress("two.test")), {Alone: true}, {Alone: true}, about(ingress("three.test")),
	}
	var mu sync.Mutex
	running, ran := map[int]bool{}, map[int]int{}
	two := make(chan struct{}) // closed when case 2 runs while case 0 or 1 does
	err := schedule(t.Context(), cases, 4, func(ctx context.Context, index int) error {
		mu.Lock()
		for other := range running {
			if cases[index].Alone || cases[other].Alone || index+other == 1 {
				t.Errorf("cases %d and %d run at the same time", index, other)
			}
		}
		running[index] = true
		ran[index]++
		mu.Unlock()
		switch index {
		case 0:
			<-two // deadlocks unless another chain runs at the same time
		case 2:
			close(two)
		}
		mu.Lock()
		delete(running, index)
		mu.Unlock()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		if ran[i] != 1 {
			t.Errorf("case %d ran %d times", i, ran[i])
		}
	}
}

func TestScheduleEndsWithAnError(t *testing.T) {
	t.Parallel()
	errStop := errors.New("stop")
	cases := []*record.Case{about(ingress("one.test")), about(ingress("one.test")), {Alone: true}}
	err := schedule(t.Context(), cases, 1, func(_ context.Context, index int) error {
		if index > 0 {
			t.Errorf("case %d ran after an error", index)
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("error %v", err)
	}
}
