package kubernetes

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/world"
)

// toServer connects to a server whatever the address.
type toServer string

func (s toServer) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, string(s))
}

// endpointsOfShop has the Pods shop-1 and shop-2 of a Deployment as endpoints.
func endpointsOfShop() *fake.Clientset {
	labels := map[string]string{"app": "shop"}
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: "shop"}}
	slice := &discoveryv1.EndpointSlice{ObjectMeta: meta}
	set := fake.NewClientset(&appsv1.Deployment{
		ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}},
	})
	for name, address := range map[string]string{"shop-1": "10.0.0.1", "shop-2": "10.0.0.2"} {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
		_ = set.Tracker().Add(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: labels},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: address, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		})
	}
	_ = set.Tracker().Add(slice)
	return set
}

// podNow returns the Pod of the first endpoint.
func podNow(ctx context.Context, set kubernetes.Interface) string {
	slice, err := set.DiscoveryV1().EndpointSlices("shop").Get(ctx, "shop", metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	return "shop-" + slice.Endpoints[0].Addresses[0][len("10.0.0."):]
}

func TestMovingAnEndpoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		follows bool
		err     string
	}{
		"requests follow": {true, ""},
		"requests go on":  {false, "after change 2 of the endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := endpointsOfShop()
			first := podNow(t.Context(), set)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answering := first
				if tc.follows {
					answering = podNow(r.Context(), set)
				}
				w.Header().Set(backends.PodHeader, answering)
			}))
			t.Cleanup(server.Close)
			ctx, s := scenario(t.Context())
			s.Client = &client.Client{Dialer: toServer(server.Listener.Addr().String()), Resolver: &client.Resolver{}}
			s.Client.Resolver.AddHost(netip.MustParseAddr("192.0.2.1"), "shop.test")
			steps := endpointSteps{&objects.API{Workloads: objects.Workloads{Clientset: set}}}
			err := steps.move(ctx, "shop", 5, "http://shop.test/", 200)
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
			if tc.follows && len(world.From(ctx).TakeEvidence()) != 1 {
				t.Error("the times are not attached")
			}
		})
	}
}
