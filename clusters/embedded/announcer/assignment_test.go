package announcer

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestAssignments(t *testing.T) {
	t.Parallel()
	service := func(name, address string, change func(*corev1.Service)) *corev1.Service {
		s := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)},
			Spec: corev1.ServiceSpec{
				Type: corev1.ServiceTypeLoadBalancer, ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyCluster,
			},
			Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: address}}}},
		}
		if change != nil {
			change(s)
		}
		return s
	}
	local := func(s *corev1.Service) {
		s.Spec.ExternalTrafficPolicy, s.Spec.HealthCheckNodePort = corev1.ServiceExternalTrafficPolicyLocal, 31234
	}
	got := map[string]string{}
	for address, a := range assignments([]*corev1.Service{
		service("cluster", "203.0.113.1", nil),
		service("local", "203.0.113.2", local),
		service("pending", "", nil),
		service("elsewhere", "192.0.2.1", nil),
		service("no-longer", "203.0.113.3", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }),
		service("deleted", "203.0.113.4", func(s *corev1.Service) { s.DeletionTimestamp = &metav1.Time{} }),
	}, netip.MustParsePrefix("203.0.113.0/29")) {
		got[address.String()] = a.service.Name
		if want := map[string]int32{"cluster": 10256, "local": 31234}[a.service.Name]; a.healthPort != want {
			t.Errorf("Service %s is checked on port %d, want %d", a.service.Name, a.healthPort, want)
		}
	}
	if diff := cmp.Diff(map[string]string{"203.0.113.1": "cluster", "203.0.113.2": "local"}, got); diff != "" {
		t.Errorf("assignments (-want +got):\n%s", diff)
	}
}
