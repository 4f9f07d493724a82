package snapshot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
)

func TestClasses(t *testing.T) {
	mine := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "mine"}, Spec: networkingv1.IngressClassSpec{Controller: "me"},
	}
	other := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "other"}, Spec: networkingv1.IngressClassSpec{Controller: "somebody"},
	}
	byDefault := func(class *networkingv1.IngressClass) *networkingv1.IngressClass {
		class = class.DeepCopy()
		class.Annotations = map[string]string{networkingv1.AnnotationIsDefaultIngressClass: "true"}
		return class
	}
	for _, test := range []struct {
		name         string
		class        *string
		annotation   string
		classes      []*networkingv1.IngressClass
		withoutClass bool
		want         bool
	}{
		{name: "my class", class: ptr.To("mine"), want: true},
		{name: "another's class", class: ptr.To("other")},
		{name: "a class that is not there", class: ptr.To("missing")},
		{name: "the class that the annotation means, which is not there", class: ptr.To("legacy")},
		{name: "my annotation", annotation: "legacy", want: true},
		{name: "another's annotation", annotation: "else"},
		{name: "the annotation wins", class: ptr.To("mine"), annotation: "else"},
		{name: "the annotation wins for me", class: ptr.To("other"), annotation: "legacy", want: true},
		{name: "none"},
		{name: "none, but all are wanted", withoutClass: true, want: true},
		{name: "none, and mine is the default", classes: []*networkingv1.IngressClass{byDefault(mine)}, want: true},
		{name: "none, and another's is the default", classes: []*networkingv1.IngressClass{byDefault(other)}},
		{name: "another's, though mine is the default", class: ptr.To("other"), classes: []*networkingv1.IngressClass{byDefault(mine), other}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: networkingv1.IngressSpec{IngressClassName: test.class}}
			if test.annotation != "" {
				ingress.Annotations = map[string]string{"kubernetes.io/ingress.class": test.annotation}
			}
			store := snapshottest.NewStore(mine, other, ingress)
			if test.classes != nil {
				store = snapshottest.NewStore(ingress)
				for _, class := range test.classes {
					store.Add(class)
				}
			}
			taken := snapshot.Take(store, snapshot.Settings{
				ControllerClass: "me", LegacyClass: "legacy", WithoutClass: test.withoutClass,
			})
			if got := len(taken.Ingresses) == 1; got != test.want {
				t.Errorf("claimed: %t, want %t", got, test.want)
			}
		})
	}
}

// TestClassField has an Ingress with both, which the API server lets users make by adding the annotation later.
func TestClassField(t *testing.T) {
	class := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "mine"}, Spec: networkingv1.IngressClassSpec{Controller: "me"},
	}
	for mode, want := range map[compatibility.Mode]string{compatibility.Mend: "by-annotation", compatibility.IngressNginx: "by-field"} {
		made := func(name, field, annotation string) *networkingv1.Ingress {
			return &networkingv1.Ingress{
				ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"kubernetes.io/ingress.class": annotation}},
				Spec:       networkingv1.IngressSpec{IngressClassName: &field},
			}
		}
		store := snapshottest.NewStore(class, made("by-field", "mine", "other"), made("by-annotation", "other", "legacy"))
		taken := snapshot.Take(store, snapshot.Settings{ControllerClass: "me", LegacyClass: "legacy", Compatibility: mode})
		if len(taken.Ingresses) != 1 || taken.Ingresses[0].Name != want {
			t.Errorf("%s: got %v, want %s", mode, taken.Ingresses, want)
		}
	}
}

func TestPrecedence(t *testing.T) {
	made := func(namespace, name string, second int) *networkingv1.Ingress {
		ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		if second >= 0 {
			ingress.CreationTimestamp = metav1.NewTime(time.Unix(int64(1000+second), 0))
		}
		return ingress
	}
	store := snapshottest.NewStore(
		made("b", "a", 1), made("a", "new", -1), made("a", "b", 1), made("z", "oldest", 0), made("a", "a", 1))
	taken := snapshot.Take(store, snapshot.Settings{WithoutClass: true})
	if diff := cmp.Diff("z/oldest b/a a/b a/a a/new", keys(taken)); diff != "" {
		t.Error(diff)
	}
}

func TestTakeWith(t *testing.T) {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web"}}
	store := snapshottest.NewStore(service,
		&networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "one"}},
		&networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "two"}})
	changed := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "two", Labels: map[string]string{"changed": "yes"}},
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "web"},
		}},
	}
	settings := snapshot.Settings{WithoutClass: true}
	taken := snapshot.TakeWith(store, settings, changed)
	if keys(taken) != "a/two a/one" || taken.Ingresses[0] != changed {
		t.Errorf("Ingresses %s", keys(taken))
	}
	if taken.Services[types.NamespacedName{Namespace: "a", Name: "web"}] != service {
		t.Error("what the changed Ingress refers to is missing")
	}
	if len(snapshot.Take(store, settings).Services) != 0 {
		t.Error("TakeWith changed the store")
	}
}

func TestOnlyWhatIsReferredTo(t *testing.T) {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "a", Name: name} }
	slice := func(name, service string) *discoveryv1.EndpointSlice {
		meta := named(name)
		meta.Labels = map[string]string{discoveryv1.LabelServiceName: service}
		return &discoveryv1.EndpointSlice{ObjectMeta: meta}
	}
	ingress := &networkingv1.Ingress{ObjectMeta: named("ingress"), Spec: networkingv1.IngressSpec{
		DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "used"}},
		TLS:            []networkingv1.IngressTLS{{SecretName: "used"}, {SecretName: "missing"}, {}},
		Rules:          []networkingv1.IngressRule{{Host: "without-paths.example.com"}},
	}}
	store := snapshottest.NewStore(ingress,
		&corev1.Service{ObjectMeta: named("used")}, &corev1.Service{ObjectMeta: named("unused")},
		&corev1.Secret{ObjectMeta: named("used")}, &corev1.Secret{ObjectMeta: named("unused")},
		slice("b", "used"), slice("a", "used"), slice("c", "unused"))
	taken := snapshot.Take(store, snapshot.Settings{WithoutClass: true})
	used := types.NamespacedName{Namespace: "a", Name: "used"}
	if len(taken.Services) != 1 || taken.Services[used] == nil || len(taken.Secrets) != 1 || taken.Secrets[used] == nil {
		t.Errorf("Services %v, Secrets %v", taken.Services, taken.Secrets)
	}
	found := taken.EndpointSlices[used]
	if len(taken.EndpointSlices) != 1 || len(found) != 2 || found[0].Name != "a" {
		t.Errorf("EndpointSlices %v", taken.EndpointSlices)
	}
}

func keys(s *snapshot.Snapshot) string {
	var all []string
	for _, ingress := range s.Ingresses {
		all = append(all, fmt.Sprint(snapshot.Key(ingress)))
	}
	return strings.Join(all, " ")
}
