package disruption

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// machines record what is done to them.
type machines struct {
	begun []any
	ended int
}

func (m *machines) begin(what any) (func(context.Context) error, error) {
	m.begun = append(m.begun, what)
	return func(context.Context) error {
		m.ended++
		return nil
	}, nil
}

func (m *machines) Disconnect(_ context.Context, node string) (func(context.Context) error, error) {
	return m.begin(node)
}

func (m *machines) Impair(_ context.Context, _ string, impairment clusters.Impairment) (func(context.Context) error, error) {
	return m.begin(impairment)
}

func (m *machines) Suspend(_ context.Context, processes clusters.Processes) (func(context.Context) error, error) {
	return m.begin(processes)
}

func (m *machines) Stop(_ context.Context, component clusters.Component) (func(context.Context) error, error) {
	return m.begin(component)
}

// PodsOf returns one Pod.
func (m *machines) PodsOf(_ context.Context, namespace, name string) ([]corev1.Pod, error) {
	return []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name + "-1"}}}, nil
}

func scenario(t *testing.T) (context.Context, *world.Scenario) {
	t.Helper()
	s := &world.Scenario{Namespace: &world.Namespace{Name: "shop"}}
	return world.NewContext(t.Context(), s), s
}

func TestDisruptionsEndOnce(t *testing.T) {
	t.Parallel()
	m := &machines{}
	s := steps{m, m}
	ctx, current := scenario(t)
	if err := ends(ctx); err == nil {
		t.Error("a disruption ended that had not begun")
	}
	for _, begin := range []func(context.Context) (context.Context, error){
		func(ctx context.Context) (context.Context, error) { return s.cutOff(ctx, "a") },
		func(ctx context.Context) (context.Context, error) { return s.lose(ctx, "a", 5) },
		func(ctx context.Context) (context.Context, error) { return s.delay(ctx, "a", 50, 10) },
		func(ctx context.Context) (context.Context, error) { return s.hangNode(ctx, "a") },
		func(ctx context.Context) (context.Context, error) { return s.hangPod(ctx, "cart") },
		func(ctx context.Context) (context.Context, error) { return s.stop(ctx, clusters.Etcd) },
	} {
		var err error
		if ctx, err = begin(ctx); err != nil {
			t.Fatal(err)
		}
	}
	want := []any{
		"a", clusters.Impairment{Loss: 0.05}, clusters.Impairment{Delay: 50 * time.Millisecond, Jitter: 10 * time.Millisecond},
		clusters.Processes{Node: "a"}, clusters.Processes{Namespace: "shop", Pod: "cart-1"}, clusters.Etcd,
	}
	if !slices.Equal(m.begun, want) {
		t.Errorf("begun: %v, want %v", m.begun, want)
	}
	if err := ends(ctx); err != nil || m.ended != 1 {
		t.Errorf("%d ended (%v), want 1", m.ended, err)
	}
	if err := current.End(ctx); err != nil || m.ended != len(want) {
		t.Errorf("%d ended with the scenario (%v), want %d", m.ended, err, len(want))
	}
}

func TestOtherClustersSkip(t *testing.T) {
	t.Parallel()
	ctx, _ := scenario(t)
	for _, definition := range Definitions(nil, nil) {
		var err error
		switch handler := definition.Handler.(type) {
		case func(context.Context) (context.Context, error):
			_, err = handler(ctx)
		case func(context.Context, string) (context.Context, error):
			_, err = handler(ctx, "a")
		case func(context.Context, string, float64) (context.Context, error):
			_, err = handler(ctx, "a", 1)
		case func(context.Context, string, int, int) (context.Context, error):
			_, err = handler(ctx, "a", 1, 1)
		default:
			continue
		}
		if !errors.Is(err, clusters.ErrUnsupported) {
			t.Errorf("%s: %v", definition.Example, err)
		}
	}
	if _, err := vocabulary.New(Definitions(nil, nil), vocabulary.Hooks{}); err != nil {
		t.Error(err)
	}
}
