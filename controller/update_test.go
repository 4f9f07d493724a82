package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// cluster is a Source whose store a test changes between rounds.
type cluster struct {
	store   *snapshottest.Store
	last    *snapshot.Snapshot
	changed chan struct{}
	change  controller.Change
	rounds  chan string // "whole" or "endpoints"
}

// newCluster has an Ingress with a path for each of so many Services, each with an endpoint.
func newCluster(ingresses int) *cluster {
	var objects []runtime.Object
	for i := range ingresses {
		name := fmt.Sprintf("app-%d", i)
		port := networkingv1.ServiceBackendPort{Number: 80}
		path := networkingv1.HTTPIngressPath{
			Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix),
			Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: name, Port: port}},
		}
		objects = append(objects,
			&networkingv1.Ingress{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
				Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
					Host: name + ".test", IngressRuleValue: networkingv1.IngressRuleValue{
						HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{path}},
					},
				}}},
			},
			&corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
				Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}}},
			},
			slice(name, fmt.Sprintf("10.%d.%d.1", i>>8, i&255), fmt.Sprintf("10.%d.%d.2", i>>8, i&255), fmt.Sprintf("10.%d.%d.3", i>>8, i&255)))
	}
	return &cluster{
		store: snapshottest.NewStore(objects...), last: &snapshot.Snapshot{Settings: snapshot.Settings{WithoutClass: true}}, changed: make(chan struct{}, 1), change: controller.Change{Other: true},
		rounds: make(chan string, 1),
	}
}

func slice(service string, addresses ...string) *discoveryv1.EndpointSlice {
	made := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: service, Labels: map[string]string{discoveryv1.LabelServiceName: service},
		},
		Ports: []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To(int32(8080))}},
	}
	for _, address := range addresses {
		made.Endpoints = append(made.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
	}
	return made
}

func (c *cluster) Changed() <-chan struct{}                          { return c.changed }
func (c *cluster) Take() controller.Change                           { return c.change }
func (c *cluster) Observe(controller.Outcome)                        { c.rounds <- "whole" }
func (c *cluster) ObserveEndpoints(update controller.EndpointUpdate) { c.rounds <- "endpoints" }

func (c *cluster) Snapshot() *snapshot.Snapshot {
	c.last = c.last.Next(c.store)
	return c.last
}

func (c *cluster) SnapshotWith(ingress *networkingv1.Ingress) *snapshot.Snapshot {
	return c.last.NextWith(c.store, ingress)
}

func (c *cluster) EndpointSlices(key types.NamespacedName) []*discoveryv1.EndpointSlice {
	return snapshot.EndpointSlicesOf(c.store, key)
}

// changeEndpoints gives a Service other endpoints and waits for the round, whose kind it returns.
func (c *cluster) changeEndpoints(service string, addresses ...string) string {
	c.store.Replace(slice(service, addresses...))
	c.change = controller.Change{Endpoints: []types.NamespacedName{{Namespace: "default", Name: service}}}
	return c.round()
}

func (c *cluster) round() string {
	c.changed <- struct{}{}
	return <-c.rounds
}

// start runs a loop with a proxy until the test ends, and waits for the first round.
func (c *cluster) start(t testing.TB) *proxy.Server {
	t.Helper()
	server, err := proxy.New(proxy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	loop := &controller.Loop{
		Source: c, DataPlane: server, Clock: clock.RealClock{}, HoldOff: time.Microsecond,
		Observers: []controller.Observer{c}, EndpointObservers: []controller.EndpointObserver{c},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); loop.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	if kind := c.round(); kind != "whole" {
		t.Fatalf("the first round is one of %s", kind)
	}
	return server
}

func tableText(t *testing.T, table *route.Table) string {
	t.Helper()
	var out strings.Builder
	if err := table.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestTheProxyServesWhatIsThere changes endpoints and everything at random. After each round the proxy serves what a
// translation of the cluster gives.
func TestTheProxyServesWhatIsThere(t *testing.T) {
	const services = 4
	c := newCluster(services)
	server := c.start(t)
	random := rand.New(rand.NewPCG(3, 4))
	kinds := map[string]int{}
	for i := range 300 {
		service := fmt.Sprintf("app-%d", random.IntN(services))
		var addresses []string
		for range random.IntN(4) {
			addresses = append(addresses, fmt.Sprintf("10.9.0.%d", random.IntN(4)))
		}
		var kind string
		if random.IntN(5) == 0 {
			c.store.Replace(slice(service, addresses...))
			c.change = controller.Change{Other: true}
			kind = c.round()
		} else {
			kind = c.changeEndpoints(service, addresses...)
		}
		kinds[kind]++
		want := tableText(t, translate.Translate(snapshot.Take(c.store, snapshot.Settings{WithoutClass: true})).Table)
		if got := tableText(t, server.Table()); got != want {
			t.Fatalf("round %d (%s): the proxy serves\n%s\nwant\n%s", i, kind, got, want)
		}
	}
	if kinds["endpoints"] < 50 || kinds["whole"] < 50 {
		t.Errorf("rounds: %v", kinds)
	}
}

// The endpoints of the last whole round are served again although the table is equal to that of the round.
func TestAWholeRoundAfterAnUpdate(t *testing.T) {
	c := newCluster(1)
	server := c.start(t)
	want := tableText(t, server.Table())
	if kind := c.changeEndpoints("app-0", "10.9.0.1"); kind != "endpoints" || tableText(t, server.Table()) == want {
		t.Fatalf("a round of %s has not changed the table", kind)
	}
	c.store.Replace(slice("app-0", "10.0.0.1", "10.0.0.2", "10.0.0.3"))
	c.change = controller.Change{Other: true}
	c.round()
	if got := tableText(t, server.Table()); got != want {
		t.Errorf("the proxy serves\n%s\nwant\n%s", got, want)
	}
}

// BenchmarkEndpointChange is the time from the signal that an endpoint has changed until the proxy serves it, hold-off
// included, and the memory that it allocates, by the number of Ingresses, each with a Service of three endpoints.
func BenchmarkEndpointChange(b *testing.B) {
	benchmarkEndpointChanges(b, func(*testing.B, *cluster, int) {})
}

// benchmarkEndpointChanges measures changes of an endpoint by the number of Ingresses, each after before, which gets its number.
func benchmarkEndpointChanges(b *testing.B, before func(b *testing.B, c *cluster, number int)) {
	for _, ingresses := range []int{10, 100, 1000, 10_000, 100_000} {
		if testing.Short() && ingresses > 1000 {
			continue
		}
		b.Run(fmt.Sprintf("ingresses=%d", ingresses), func(b *testing.B) {
			c := newCluster(ingresses)
			c.start(b)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				before(b, c, i)
				if kind := c.changeEndpoints("app-5", "10.200.0.1", fmt.Sprintf("10.200.1.%d", i%250), "10.200.0.3"); kind != "endpoints" {
					b.Fatal("everything was translated")
				}
			}
		})
	}
}

// BenchmarkFirstEndpointChange is BenchmarkEndpointChange where an Ingress has changed before each change of an endpoint: the
// proxy serves a new table then, of which no endpoint has been changed yet.
func BenchmarkFirstEndpointChange(b *testing.B) {
	benchmarkEndpointChanges(b, func(b *testing.B, c *cluster, number int) {
		b.StopTimer()
		c.changeIngress("app-5", number)
		b.StartTimer()
	})
}

// changeIngress gives an Ingress another annotation and waits for the round.
func (c *cluster) changeIngress(name string, turn int) string {
	for _, ingress := range c.store.Ingresses() {
		if ingress.Name == name {
			c.store.ReplaceIngress(changed(ingress, turn))
		}
	}
	c.change = controller.Change{Other: true}
	return c.round()
}

func changed(ingress *networkingv1.Ingress, turn int) *networkingv1.Ingress {
	ingress = ingress.DeepCopy()
	ingress.Annotations = map[string]string{"nginx.ingress.kubernetes.io/proxy-read-timeout": strconv.Itoa(30 + turn%2)}
	return ingress
}

// BenchmarkIngressChange is the time from the signal that an Ingress has changed until the proxy serves it, and the memory that
// it allocates, by the number of Ingresses.
func BenchmarkIngressChange(b *testing.B) {
	for _, ingresses := range []int{10, 100, 1000, 10_000, 100_000} {
		if testing.Short() && ingresses > 1000 {
			continue
		}
		b.Run(fmt.Sprintf("ingresses=%d", ingresses), func(b *testing.B) {
			c := newCluster(ingresses)
			c.start(b)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if kind := c.changeIngress("app-5", i); kind != "whole" {
					b.Fatalf("a round of %s", kind)
				}
			}
		})
	}
}

// BenchmarkReview is the review of an Ingress that is created, by the number of those that exist.
func BenchmarkReview(b *testing.B) {
	for _, ingresses := range []int{10, 100, 1000, 10_000, 100_000} {
		if testing.Short() && ingresses > 1000 {
			continue
		}
		b.Run(fmt.Sprintf("ingresses=%d", ingresses), func(b *testing.B) {
			c := newCluster(ingresses)
			created := c.store.Ingresses()[5].DeepCopy()
			created.Name = "second" // in conflict with the one that it is a copy of
			raw, err := json.Marshal(created)
			if err != nil {
				b.Fatal(err)
			}
			request := &admissionv1.AdmissionRequest{
				Operation: admissionv1.Create, Kind: metav1.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
				Object: runtime.RawExtension{Raw: raw},
			}
			last := translate.After(translate.Result{}, c.Snapshot())
			b.ReportAllocs()
			for b.Loop() {
				if admission.Review(c, last, request).Allowed {
					b.Fatal("a conflict was allowed")
				}
			}
		})
	}
}

// BenchmarkStart is the first round: a snapshot, its translation, and the table that is made of it.
func BenchmarkStart(b *testing.B) {
	for _, ingresses := range []int{10, 100, 1000, 10_000, 100_000} {
		if testing.Short() && ingresses > 1000 {
			continue
		}
		b.Run(fmt.Sprintf("ingresses=%d", ingresses), func(b *testing.B) {
			c := newCluster(ingresses)
			b.ReportAllocs()
			for b.Loop() {
				server, err := proxy.New(proxy.Config{})
				if err != nil {
					b.Fatal(err)
				}
				first := snapshot.Take(c.store, snapshot.Settings{WithoutClass: true})
				server.Apply(translate.After(translate.Result{}, first).Table)
			}
		})
	}
}
