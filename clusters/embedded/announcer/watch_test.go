//go:build linux

package announcer

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
)

func TestExcludedNodesDoNotAnnounce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart"},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer},
			Status:     corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}}}},
		}
		other := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: map[string]string{corev1.LabelNodeExcludeBalancers: ""}}}
		api := fake.NewClientset(service, other)
		nodes := api.CoreV1().Nodes()
		l := newLAN()
		ended := make(chan error, 1)
		go func() { ended <- watch(ctx, api, netip.MustParsePrefix("203.0.113.0/29"), l.candidate("a", api)) }()

		announces := func(when, want string) {
			t.Helper()
			time.Sleep(leaseDuration + 3*retryPeriod)
			if got := l.nodes(); got != want {
				t.Errorf("%s: announced by %q, want %q", when, got, want)
			}
		}
		announces("before the node is registered", "")
		if _, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		announces("registered", "a")
		for _, step := range []struct{ when, label, want string }{
			{"excluded", `""`, ""}, {"no longer excluded", "null", "a"}, {"with the value false", `"false"`, ""}, {"again", "null", "a"},
		} {
			patch := []byte(`{"metadata":{"labels":{"node.kubernetes.io/exclude-from-external-load-balancers":` + step.label + `}}}`)
			if _, err := nodes.Patch(ctx, "a", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
			announces(step.when, step.want)
		}
		if err := nodes.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		announces("deleted", "")
		cancel()
		if err := <-ended; err != context.Canceled { //nolint:errorlint // the context's own error
			t.Error(err)
		}
	})
}
