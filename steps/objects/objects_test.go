package objects_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"github.com/ingress-testbed/testbed/steps/objects"
)

func TestDecode(t *testing.T) {
	manifest := "# only a comment\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n" +
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: c}}\n"
	all, err := objects.Decode([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range all {
		names = append(names, objects.Name(object))
	}
	if got := strings.Join(names, ", "); got != "Service a, Pod c/b" {
		t.Errorf("objects are %s", got)
	}
	for manifest, part := range map[string]string{
		"":                          "contains no object",
		"# nothing":                 "contains no object",
		"a: b":                      "apiVersion and a kind",
		"- a":                       "not an object",
		"apiVersion: v1\nkind: Pod": "metadata.name",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n\tx":  "document 2",
		"apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: a}": "document 1",
		"apiVersion: v1\nkind: List\nitems: [{}]":                   "item",
	} {
		if _, err := objects.Decode([]byte(manifest)); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want an error with %q", manifest, err, part)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n---\n[]"))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		all, _ := objects.Decode(manifest)
		for _, object := range all {
			if object.GetName() == "" || object.GetKind() == "" {
				t.Errorf("decoded an object without a name or kind: %v", object)
			}
		}
	})
}

const ready = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: n, generation: 2}, spec: {replicas: 2, selector: {matchLabels: {app: d}}},
 status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2}}`

func TestWaitReady(t *testing.T) {
	for _, test := range []struct {
		name, object, missing string
	}{
		{"a Deployment", ready, ""},
		{"one whose change is new", strings.Replace(ready, "observedGeneration: 2", "observedGeneration: 1", 1), "not observed its latest change"},
		{"one with old Pods", strings.Replace(ready, "{observedGeneration: 2, replicas: 2", "{observedGeneration: 2, replicas: 3", 1), "3 exist in total"},
		{"one with a Pod in trouble", strings.Replace(ready, "availableReplicas: 2", "availableReplicas: 1", 1), "Pod p is not ready: container c: ErrImageNeverPull: no such image"},
		{"a Pod", `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: n}, status: {conditions: [{type: Ready, status: "True"}]}}`, ""},
		{"a Pod that is not scheduled", `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: n}, status: {conditions: [{type: PodScheduled, status: "False", message: no node fits}]}}`, "no node fits"},
		{"an Ingress", `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, namespace: n}, status: {loadBalancer: {ingress: [{ip: 10.10.200.170}]}}}`, ""},
		{"an Ingress without a controller", `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, namespace: n}}`, "no controller"},
		{"a Service", `{apiVersion: v1, kind: Service, metadata: {name: with-endpoints, namespace: n}, spec: {selector: {app: ok}}}`, ""},
		{"a Service without its Pod", `{apiVersion: v1, kind: Service, metadata: {name: x, namespace: n}, spec: {selector: {app: ok}}}`, "not among its endpoints"},
		{"a ConfigMap", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: n}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			object := parse(t, test.object)
			api := newAPI(object)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err := api.WaitReady(ctx, object)
			switch {
			case test.missing == "" && err != nil:
				t.Error(err)
			case test.missing != "" && (err == nil || !strings.Contains(err.Error(), test.missing)):
				t.Errorf("error is %v, want one with %q", err, test.missing)
			}
		})
	}
}

func TestCheckOwned(t *testing.T) {
	object := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: mine, namespace: here}}`)
	for manager, ours := range map[string]bool{"ingress-testbed": true, "kubectl-client-side-apply": false, "": false} {
		there := object.DeepCopy()
		if manager != "" {
			there.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationApply}})
		}
		err := newAPI(there).CheckOwned(t.Context(), object, "here")
		if (err == nil) != ours || errors.Is(err, objects.ErrForeign) == ours {
			t.Errorf("what %q manages: %v", manager, err)
		}
	}
	missing := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: another}}`)
	if err := newAPI(object).CheckOwned(t.Context(), missing, "here"); err != nil {
		t.Errorf("what is not there: %v", err)
	}
}

func TestDelete(t *testing.T) {
	object := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: "n"}}`)
	api := newAPI(object)
	missing := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: "n"}}`)
	if err := api.Delete(t.Context(), []*unstructured.Unstructured{object, missing}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Get(t.Context(), object); err == nil {
		t.Error("the object is still there")
	}
	unknown := parse(t, `{apiVersion: v9, kind: Walrus, metadata: {name: y}}`)
	if _, err := api.Apply(t.Context(), unknown, "n"); err == nil || !strings.Contains(err.Error(), "Walrus") {
		t.Errorf("an unknown kind gave %v", err)
	}
}

func TestConnectNamesTheFile(t *testing.T) {
	if _, err := objects.Connect("/no/such/file"); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("error is %v", err)
	}
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

func newAPI(object *unstructured.Unstructured) *objects.API {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []schema.GroupVersionKind{
		{Group: "apps", Version: "v1", Kind: "Deployment"}, {Version: "v1", Kind: "Pod"}, {Version: "v1", Kind: "Service"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}, {Version: "v1", Kind: "ConfigMap"},
	} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	waiting := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "p", Labels: map[string]string{"app": "d"}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: "c", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: "no such image"}}},
		}},
	}
	running := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "q", Labels: map[string]string{"app": "ok"}},
		Status:     corev1.PodStatus{PodIP: "172.16.1.3", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "s", Labels: map[string]string{discoveryv1.LabelServiceName: "with-endpoints"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"172.16.1.3"}}},
	}
	return &objects.API{
		Workloads: objects.Workloads{Clientset: fake.NewClientset(waiting, running, slice)},
		Dynamic:   dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), object), Mapper: mapper,
	}
}

func TestPodsIncludesThoseBeingDeleted(t *testing.T) {
	labels := map[string]string{"app": "shop"}
	pod := func(name string, phase corev1.PodPhase, deleted bool) *corev1.Pod {
		made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "n", Labels: labels}, Status: corev1.PodStatus{Phase: phase}}
		if deleted {
			made.DeletionTimestamp = &metav1.Time{Time: time.Now()}
			made.Finalizers = []string{"kept.example.com/for-the-test"}
		}
		return made
	}
	api := &objects.Workloads{Clientset: fake.NewClientset(
		pod("b-runs", corev1.PodRunning, false), pod("a-leaves", corev1.PodRunning, true),
		pod("d-has-left", corev1.PodSucceeded, true), pod("c-has-failed-and-leaves", corev1.PodFailed, true),
		pod("e-is-done", corev1.PodSucceeded, false), pod("f-was-evicted", corev1.PodFailed, false),
	)}
	pods, err := api.Pods(context.Background(), "n", "app=shop")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	if got := strings.Join(names, " "); got != "a-leaves b-runs c-has-failed-and-leaves d-has-left" {
		t.Errorf("the Pods are %s", got)
	}
}
