package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Of two Ingresses with a host or a Service in common the younger one is in a later round, and others wait for nothing.
func TestRounds(t *testing.T) {
	t.Parallel()
	ingress := func(name, namespace, host, service string) *networkingv1.Ingress {
		made := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
		backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service}}
		if host == "default backend" {
			made.Spec.DefaultBackend = &backend
			return made
		}
		made.Spec.Rules = []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Backend: backend}}},
		}}}
		return made
	}
	var got [][]string
	for _, round := range rounds([]*networkingv1.Ingress{
		ingress("shop", "a", "shop.test", "shop"),
		ingress("shop-canary", "a", "shop.test", "next"),
		ingress("api", "a", "api.test", "shop"),
		ingress("another-shop", "b", "b.test", "shop"),
		ingress("of-both", "a", "api.test", "next"),
		ingress("default", "a", "default backend", "any"),
		ingress("any-host", "b", "", "other"),
		ingress("last", "c", "c.test", "c"),
	}) {
		var names []string
		for _, one := range round {
			names = append(names, one.Name)
		}
		got = append(got, names)
	}
	want := [][]string{{"shop", "another-shop", "default", "last"}, {"shop-canary", "api", "any-host"}, {"of-both"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
