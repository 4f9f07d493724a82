package cloud

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ensure returns the address that a Service gets.
func ensure(t *testing.T, l loadBalancers, name, requested string) string {
	t.Helper()
	address, err := tryEnsure(t, l, name, requested)
	if err != nil {
		t.Fatalf("Service %s: %v", name, err)
	}
	return address
}

func tryEnsure(t *testing.T, l loadBalancers, name, requested string) (string, error) {
	t.Helper()
	status, err := l.EnsureLoadBalancer(t.Context(), "", newService(name, requested), nil)
	if err != nil {
		return "", err
	}
	return status.Ingress[0].IP, nil
}

func newService(name, requested string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: corev1.ServiceSpec{LoadBalancerIP: requested},
	}
}

func newLoadBalancers(addresses string) loadBalancers {
	return loadBalancers{NewPool(netip.MustParsePrefix(addresses))}
}

func TestEachServiceHasOneAddress(t *testing.T) {
	t.Parallel()
	l := newLoadBalancers("203.0.113.8/30")
	for _, tc := range []struct{ service, want string }{
		{"a", "203.0.113.8"}, {"b", "203.0.113.9"}, {"a", "203.0.113.8"}, {"c", "203.0.113.10"},
	} {
		if got := ensure(t, l, tc.service, ""); got != tc.want {
			t.Errorf("Service %s got %s, want %s", tc.service, got, tc.want)
		}
	}
}

func TestAnAddressIsFreeAfterItsServiceIsGone(t *testing.T) {
	t.Parallel()
	l := newLoadBalancers("203.0.113.8/31")
	ensure(t, l, "a", "")
	ensure(t, l, "b", "")
	if _, err := tryEnsure(t, l, "c", ""); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("from an empty pool: %v", err)
	}
	if err := l.EnsureLoadBalancerDeleted(t.Context(), "", newService("a", "")); err != nil {
		t.Fatal(err)
	}
	if _, exists, err := l.GetLoadBalancer(t.Context(), "", newService("a", "")); exists || err != nil {
		t.Errorf("after the deletion it exists: %t, %v", exists, err)
	}
	if got := ensure(t, l, "c", ""); got != "203.0.113.8" {
		t.Errorf("got %s, want the address that became free", got)
	}
}

func TestRequestedAddresses(t *testing.T) {
	t.Parallel()
	l := newLoadBalancers("203.0.113.8/30")
	if got := ensure(t, l, "a", "203.0.113.10"); got != "203.0.113.10" {
		t.Errorf("got %s", got)
	}
	if got := ensure(t, l, "a", "203.0.113.11"); got != "203.0.113.11" {
		t.Errorf("after a change of the request: %s", got)
	}
	if got := ensure(t, l, "b", "203.0.113.10"); got != "203.0.113.10" {
		t.Errorf("the address of before was not freed: %s", got)
	}
	if got := ensure(t, l, "a", ""); got != "203.0.113.11" {
		t.Errorf("without the request the address changed to %s", got)
	}
	for requested, want := range map[string]string{
		"203.0.113.10": "that of Service shop/b", "192.0.2.1": "not in the range", "localhost": "must be an IP address",
	} {
		if _, err := tryEnsure(t, l, "c", requested); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("request for %s: %v, want something about %q", requested, err, want)
		}
	}
	if status, exists, err := l.GetLoadBalancer(t.Context(), "", newService("b", "")); err != nil || !exists || status.Ingress[0].IP != "203.0.113.10" {
		t.Errorf("the load balancer of b is %v, %t, %v", status, exists, err)
	}
}
