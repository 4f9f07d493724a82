package kube

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/kube/kubetest"
	"github.com/ingress-testbed/testbed/controller/snapshot"
)

const patience = 10 * time.Second

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func objects() []runtime.Object {
	slice := &discoveryv1.EndpointSlice{ObjectMeta: named("a", "web-1")}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	ingress := func(namespace string) *networkingv1.Ingress {
		return &networkingv1.Ingress{
			ObjectMeta: named(namespace, "shop"),
			Spec: networkingv1.IngressSpec{
				IngressClassName: ptr.To("nginx"),
				TLS:              []networkingv1.IngressTLS{{SecretName: "cert"}},
				DefaultBackend:   &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web"}},
			},
		}
	}
	secret := &corev1.Secret{ObjectMeta: named("a", "cert"), Data: map[string][]byte{
		"tls.crt": []byte("chain"), "tls.key": []byte("key"), "password": []byte("none of our business"),
	}}
	secret.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	return []runtime.Object{
		&networkingv1.IngressClass{ObjectMeta: named("", "nginx"), Spec: networkingv1.IngressClassSpec{Controller: "me"}},
		ingress("a"), ingress("b"), &corev1.Service{ObjectMeta: named("a", "web")}, slice, secret,
		&corev1.ConfigMap{ObjectMeta: named("ingress", "settings"), Data: map[string]string{"hsts": "false"}},
	}
}

func newSource(t *testing.T, client *fake.Clientset, namespace string) *Source {
	t.Helper()
	source, err := NewSource(client, namespace, snapshot.Settings{
		ControllerClass: "me", ConfigMap: types.NamespacedName{Namespace: "ingress", Name: "settings"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestSource(t *testing.T) {
	source := newSource(t, kubetest.NewClientset(objects()...), "")
	if err := source.Start(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	<-source.Changed()
	taken := source.Snapshot()
	if len(taken.Ingresses) != 2 || taken.ConfigMap.Data["hsts"] != "false" {
		t.Errorf("%+v", taken)
	}
	key := types.NamespacedName{Namespace: "a", Name: "web"}
	if taken.Services[key] == nil || len(taken.EndpointSlices[key]) != 1 {
		t.Errorf("Services %v, EndpointSlices %v", taken.Services, taken.EndpointSlices)
	}
	secret := taken.Secrets[types.NamespacedName{Namespace: "a", Name: "cert"}]
	if string(secret.Data["tls.key"]) != "key" || len(secret.Data) != 2 || secret.ManagedFields != nil {
		t.Errorf("of the Secret is kept: %v", secret)
	}
	with := source.SnapshotWith(&networkingv1.Ingress{
		ObjectMeta: named("a", "new"), Spec: networkingv1.IngressSpec{IngressClassName: ptr.To("nginx")},
	})
	if len(with.Ingresses) != 3 {
		t.Errorf("%d Ingresses with the new one", len(with.Ingresses))
	}
}

func TestSourceTellsOfChanges(t *testing.T) {
	client := kubetest.NewClientset(objects()...)
	source := newSource(t, client, "")
	if err := source.Start(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	settle(source)
	services := corev1.SchemeGroupVersion.WithResource("services")
	for _, step := range []struct {
		name   string
		change func() error
	}{
		{"added", func() error {
			return client.Tracker().Create(services, &corev1.Service{ObjectMeta: named("a", "new")}, "a")
		}},
		{"changed", func() error {
			return client.Tracker().Update(services, &corev1.Service{ObjectMeta: named("a", "web")}, "a")
		}},
		{"removed", func() error { return client.Tracker().Delete(services, "a", "web") }},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-source.Changed():
		case <-time.After(patience):
			t.Errorf("no notification that something was %s", step.name)
		}
		settle(source)
	}
}

// settle waits until no more changes are signalled.
func settle(source *Source) {
	for {
		select {
		case <-source.Changed():
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}

func TestIngressesOfANamespaceThatIsBeingDeleted(t *testing.T) {
	namespaces := corev1.SchemeGroupVersion.WithResource("namespaces")
	namespace := &corev1.Namespace{ObjectMeta: named("", "b")}
	client := kubetest.NewClientset(append(objects(), namespace)...)
	source := newSource(t, client, "")
	if err := source.Start(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	settle(source)
	if n := len(source.Snapshot().Ingresses); n != 2 {
		t.Errorf("%d Ingresses before", n)
	}
	terminating := namespace.DeepCopy()
	terminating.DeletionTimestamp, terminating.Finalizers = ptr.To(metav1.Now()), []string{"kubernetes"}
	if err := client.Tracker().Update(namespaces, terminating, ""); err != nil {
		t.Fatal(err)
	}
	select {
	case <-source.Changed():
	case <-time.After(patience):
		t.Fatal("the change was not signalled")
	}
	if taken := source.Snapshot(); len(taken.Ingresses) != 1 || taken.Ingresses[0].Namespace != "a" {
		t.Errorf("%d Ingresses while namespace b is being deleted", len(taken.Ingresses))
	}
}

func TestSourceOfOneNamespace(t *testing.T) {
	source := newSource(t, kubetest.NewClientset(objects()...), "b")
	if err := source.Start(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	taken := source.Snapshot()
	if len(taken.Ingresses) != 1 || taken.Ingresses[0].Namespace != "b" || taken.ConfigMap == nil {
		t.Errorf("%+v", taken)
	}
}

func TestSourceThatMayNotRead(t *testing.T) {
	client := kubetest.NewClientset(objects()...)
	forbid := func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "", nil)
	}
	client.PrependReactor("list", "secrets", forbid)
	client.PrependWatchReactor("secrets", clienttesting.DefaultWatchReactor(nil, apierrors.NewForbidden(corev1.Resource("secrets"), "", nil)))
	err := newSource(t, client, "").Start(t.Context(), 300*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "Secrets") || !strings.Contains(err.Error(), "ServiceAccount") {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	self := types.NamespacedName{Namespace: "ingress", Name: "controller-1"}
	pod := func(name, revision, node string) *corev1.Pod {
		made := &corev1.Pod{ObjectMeta: named("ingress", name), Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{
			Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		}}
		made.Labels = map[string]string{"app": "controller", "pod-template-hash": revision, "app.kubernetes.io/version": revision}
		return made
	}
	other := pod("backend", "1", "n2")
	other.Labels["app"] = "other"
	node := func(name, address string) *corev1.Node {
		return &corev1.Node{ObjectMeta: named("", name), Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: address},
		}}}
	}
	finished := pod("finished", "1", "")
	finished.Status.Phase = corev1.PodSucceeded
	alone := []runtime.Object{
		pod("controller-1", "1", "n1"), other, finished, node("n1", "10.0.0.1"), node("n2", "10.0.0.2"),
		&corev1.Service{ObjectMeta: named("ingress", "controller"), Spec: corev1.ServiceSpec{ClusterIP: "10.9.0.1"}},
	}
	for name, test := range map[string]struct {
		config  AddressesConfig
		objects []runtime.Object
		alone   bool
		want    string
	}{
		"nodes":       {AddressesConfig{Self: self}, alone, true, "10.0.0.1"},
		"two nodes":   {AddressesConfig{Self: self}, append([]runtime.Object{pod("controller-2", "2", "n2")}, alone...), false, "10.0.0.1 10.0.0.2"},
		"service":     {AddressesConfig{Self: self, PublishService: types.NamespacedName{Namespace: "ingress", Name: "controller"}}, alone, true, "10.9.0.1"},
		"no service":  {AddressesConfig{Self: self, PublishService: types.NamespacedName{Namespace: "ingress", Name: "missing"}}, alone, true, ""},
		"fixed":       {AddressesConfig{Self: self, Fixed: []string{"lb.example.com"}}, alone, true, "lb.example.com"},
		"no pod":      {AddressesConfig{}, alone, true, ""},
		"unknown pod": {AddressesConfig{Self: types.NamespacedName{Namespace: "ingress", Name: "missing"}}, alone, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			addresses, err := NewAddresses(kubetest.NewClientset(test.objects...), test.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := addresses.Start(t.Context(), patience); err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, address := range addresses.Addresses() {
				texts = append(texts, address.IP+address.Hostname)
			}
			if got := strings.Join(texts, " "); got != test.want {
				t.Errorf("addresses %q, want %q", got, test.want)
			}
			if got := addresses.Alone(); got != test.alone {
				t.Errorf("alone: %t, want %t", got, test.alone)
			}
		})
	}
}
