package kubernetes

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/world"
)

// balancers are load balancers whose addresses a node announces from a certain time on.
type balancers struct {
	node         string
	from         time.Time
	disconnected []string
	reconnected  int
}

func (b *balancers) AnnouncingNode(context.Context, netip.Addr) (string, error) {
	if time.Now().Before(b.from) {
		return "", nil
	}
	return b.node, nil
}

func (b *balancers) Disconnect(_ context.Context, node string) (func(context.Context) error, error) {
	b.disconnected = append(b.disconnected, node)
	return func(ctx context.Context) error {
		b.reconnected++
		return ctx.Err()
	}, nil
}

func balancedService(address string) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart"}}
	if address != "" {
		s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address}}
	}
	return s
}

func scenario(ctx context.Context) (context.Context, *world.Scenario) {
	s := &world.Scenario{Namespace: &world.Namespace{Name: "shop"}}
	return world.NewContext(ctx, s), s
}

func TestHasLoadBalancer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		address   string
		announced time.Duration
		err       string // "" if the Service has one
	}{
		"announced":     {"203.0.113.1", 3 * time.Second, ""},
		"not announced": {"203.0.113.1", time.Hour, "none does"},
		"no address":    {"", 0, "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				steps := networkSteps{
					objects:   &objects.API{Workloads: objects.Workloads{Clientset: fake.NewClientset(balancedService(tc.address))}},
					balancers: &balancers{node: "w1", from: time.Now().Add(tc.announced)},
				}
				ctx, _ := scenario(t.Context())
				err := steps.hasLoadBalancer(ctx, "cart")
				if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %q", err, tc.err)
				}
			})
		})
	}
}

func TestWithoutLoadBalancersScenariosAreSkipped(t *testing.T) {
	t.Parallel()
	steps := networkSteps{objects: &objects.API{Workloads: objects.Workloads{Clientset: fake.NewClientset(balancedService("203.0.113.1"))}}}
	ctx, _ := scenario(t.Context())
	if err := steps.hasLoadBalancer(ctx, "cart"); !errors.Is(err, clusters.ErrUnsupported) {
		t.Errorf("waiting for a load balancer: %v", err)
	}
	if err := steps.disconnectAnnouncer(ctx, "cart"); !errors.Is(err, clusters.ErrUnsupported) {
		t.Errorf("disconnecting a node: %v", err)
	}
}

func TestADisconnectedNodeIsReconnectedWhenTheScenarioEnds(t *testing.T) {
	t.Parallel()
	known := &balancers{node: "w1"}
	steps := networkSteps{objects: &objects.API{Workloads: objects.Workloads{Clientset: fake.NewClientset(balancedService("203.0.113.1"))}}, balancers: known, cables: known}
	ctx, cancel := context.WithCancel(t.Context())
	ctx, s := scenario(ctx)
	if err := steps.disconnectAnnouncer(ctx, "cart"); err != nil || len(known.disconnected) != 1 || known.disconnected[0] != "w1" {
		t.Fatalf("disconnected %q, %v", known.disconnected, err)
	}
	cancel() // an interrupted run
	if err := s.End(ctx); err != nil || known.reconnected != 1 {
		t.Errorf("reconnected %d times, %v", known.reconnected, err)
	}
	if err := s.End(ctx); err != nil || known.reconnected != 1 {
		t.Errorf("at the second end, reconnected %d times, %v", known.reconnected, err)
	}
}

func TestDNSReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		steps := networkSteps{objects: &objects.API{Workloads: objects.Workloads{Clientset: client}}}
		ctx, _ := scenario(t.Context())
		if err := steps.dnsReady(ctx); !errors.Is(err, clusters.ErrUnsupported) {
			t.Errorf("without a Service: %v", err)
		}
		meta := metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-dns", Labels: map[string]string{discoveryv1.LabelServiceName: "kube-dns"}}
		if _, err := client.CoreV1().Services("kube-system").Create(ctx, &corev1.Service{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		slice := &discoveryv1.EndpointSlice{ObjectMeta: meta, Endpoints: []discoveryv1.Endpoint{{Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(false)}}}}
		slices := client.DiscoveryV1().EndpointSlices("kube-system")
		if _, err := slices.Create(ctx, slice, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := steps.dnsReady(ctx); err == nil || errors.Is(err, clusters.ErrUnsupported) {
			t.Errorf("without a ready endpoint: %v", err)
		}
		slice.Endpoints[0].Conditions.Ready = ptr.To(true)
		if _, err := slices.Update(ctx, slice, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := steps.dnsReady(ctx); err != nil {
			t.Errorf("with a ready endpoint: %v", err)
		}
	})
}
