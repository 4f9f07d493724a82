package translate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// changing is a cluster whose endpoints change at random.
type changing struct {
	store  *snapshottest.Store
	random *rand.Rand
}

// change gives a Service other endpoints, perhaps none, and returns its name.
func (c *changing) change(count int) types.NamespacedName {
	key := types.NamespacedName{Namespace: "default", Name: fmt.Sprintf("app-%d", c.random.IntN(count))}
	for _, slice := range c.store.EndpointSlices(key) {
		changed := slice.DeepCopy()
		changed.Endpoints = nil
		for range c.random.IntN(4) {
			address := fmt.Sprintf("10.9.%d.%d", c.random.IntN(3), c.random.IntN(3))
			changed.Endpoints = append(changed.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
		}
		c.store.Replace(changed)
	}
	return key
}

func (c *changing) slicesOf(key types.NamespacedName) []*discoveryv1.EndpointSlice {
	return snapshot.EndpointSlicesOf(c.store, key)
}

// TestUpdateEndpointsIsTranslate changes endpoints at random. What an update makes of a table is what Translate makes of
// the cluster, problems included.
func TestUpdateEndpointsIsTranslate(t *testing.T) {
	const count = 5
	settings := snapshot.Settings{WithoutClass: true, DefaultBackend: types.NamespacedName{Namespace: "default", Name: "app-0"}}
	c := &changing{snapshottest.NewStore(ingressObjects(count)...), rand.New(rand.NewPCG(1, 2))}
	result := translate.Translate(snapshot.Take(c.store, settings))
	served := result.Table
	updates, whole := 0, 0
	for range 500 {
		key := c.change(count)
		want := translate.Translate(snapshot.Take(c.store, settings))
		update, possible := result.UpdateEndpoints(c.slicesOf, []types.NamespacedName{key})
		if !possible {
			whole++
			result, served = want, want.Table
			continue
		}
		updates++
		served = replaced(served, update.Upstreams)
		if !served.Equal(want.Table) {
			t.Fatalf("after %s has changed:\n%s\nwant\n%s", key, tableText(t, translate.Result{Table: served}), tableText(t, want))
		}
		if !slices.Equal(result.Problems, want.Problems) {
			t.Fatalf("an update hides problems: %v, want %v", result.Problems, want.Problems)
		}
	}
	if updates < 100 || whole < 50 {
		t.Errorf("%d updates and %d whole translations prove little", updates, whole)
	}
}

func replaced(table *route.Table, upstreams []route.Upstream) *route.Table {
	next := *table
	next.Upstreams = slices.Clone(table.Upstreams)
	for _, upstream := range upstreams {
		for i := range next.Upstreams {
			if next.Upstreams[i].Name == upstream.Name {
				next.Upstreams[i] = upstream
			}
		}
	}
	return &next
}

// The endpoints of streams are not those of upstreams, also while there are none.
func TestUpdateEndpointsOfStreams(t *testing.T) {
	streams := types.NamespacedName{Namespace: "default", Name: "tcp"}
	objects := append(ingressObjects(1), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: streams.Namespace, Name: streams.Name}, Data: map[string]string{"9000": "default/app-0:80"},
	})
	c := &changing{snapshottest.NewStore(objects...), nil}
	key := types.NamespacedName{Namespace: "default", Name: "app-0"}
	for _, slices := range [][]*discoveryv1.EndpointSlice{c.slicesOf(key), nil} {
		if slices == nil {
			empty := c.slicesOf(key)[0].DeepCopy()
			empty.Endpoints = nil
			c.store.Replace(empty)
		}
		result := translate.Translate(snapshot.Take(c.store, snapshot.Settings{WithoutClass: true, TCPServices: streams}))
		if _, possible := result.UpdateEndpoints(c.slicesOf, []types.NamespacedName{key}); possible {
			t.Errorf("a stream keeps its former endpoints, with %d slices", len(slices))
		}
	}
}

// The first update after a translation costs as much with a hundred times as many Ingresses.
func TestTheFirstUpdateIsIndependentOfTheSize(t *testing.T) {
	allocations := func(ingresses int) float64 {
		const runs = 5
		c := &changing{snapshottest.NewStore(ingressObjects(ingresses)...), nil}
		var results []translate.Result
		for range runs + 1 { // AllocsPerRun calls the function once before it counts
			results = append(results, translate.Translate(snapshot.Take(c.store, snapshot.Settings{WithoutClass: true})))
		}
		return testing.AllocsPerRun(runs, func() {
			if _, possible := results[0].UpdateEndpoints(c.slicesOf, []types.NamespacedName{{Namespace: "default", Name: "app-5"}}); !possible {
				t.Error("everything has to be translated")
			}
			results = results[1:]
		})
	}
	if few, many := allocations(10), allocations(1000); many > few {
		t.Errorf("an update makes %.0f allocations with 10 Ingresses, and %.0f with 1,000", few, many)
	}
}
