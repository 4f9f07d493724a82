package live_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/live"
)

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func TestNeitherSecretsNorWritesAreRequested(t *testing.T) {
	ingress := &networkingv1.Ingress{ObjectMeta: meta("web", "shop")}
	ingress.Annotations = map[string]string{
		estate.Prefix + "custom-headers": "web/headers", estate.Prefix + "auth-proxy-set-headers": "forbidden",
		estate.Prefix + "auth-secret": "web/users", estate.Prefix + "auth-tls-secret": "web/ca",
	}
	ingress.Spec.TLS = []networkingv1.IngressTLS{{SecretName: "shop-tls"}}
	client := fake.NewClientset(ingress, &corev1.Service{ObjectMeta: meta("web", "shop")}, &corev1.Secret{ObjectMeta: meta("web", "users")},
		&corev1.ConfigMap{ObjectMeta: meta("web", "headers")}, &corev1.ConfigMap{ObjectMeta: meta("ingress", "settings")},
		&corev1.ConfigMap{ObjectMeta: meta("web", "other")})
	client.PrependReactor("get", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.(clienttesting.GetAction).GetName() == "forbidden" {
			return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "forbidden", errors.New("no"))
		}
		return false, nil, nil
	})
	read, err := live.Read(t.Context(), client, types.NamespacedName{Namespace: "ingress", Name: "settings"})
	if err != nil {
		t.Fatal(err)
	}
	const objects = 4 // the Ingress, the Service and two ConfigMaps
	if len(read.Objects) != objects || len(read.Notes) != 1 {
		t.Errorf("%d objects, notes %q", len(read.Objects), read.Notes)
	}
	allowed := map[string]bool{"list ingresses": true, "list services": true, "get configmaps": true}
	for _, action := range client.Actions() {
		if request := action.GetVerb() + " " + action.GetResource().Resource; !allowed[request] {
			t.Errorf("it requests to %s", request)
		}
	}
}

func TestMissingRightsAreNamed(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "services", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("services"), "", errors.New("no"))
	})
	if _, err := live.Read(t.Context(), client, types.NamespacedName{}); !apierrors.IsForbidden(err) {
		t.Errorf("%v", err)
	}
}
