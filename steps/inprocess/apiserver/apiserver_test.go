package apiserver_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
	"github.com/ingress-testbed/testbed/steps/objects"
)

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// start returns clients of a server that refuses ConfigMaps named "bad" and counts changes.
func start(t *testing.T) (api *objects.API, server *apiserver.Server, changes *int) {
	t.Helper()
	changes = new(int)
	server = apiserver.New(apiserver.Hooks{
		Admit: func(_ *apiserver.Objects, object *unstructured.Unstructured, created bool) error {
			if object.GetName() == "bad" || object.GetName() == "once" && !created {
				return errors.New("refused by the test")
			}
			return nil
		},
		Changed: func(*apiserver.Objects) error { *changes++; return nil },
		Log:     func(namespace, pod string) string { return "log of " + namespace + "/" + pod },
		Get: func(_ context.Context, namespace, pod string, port int, path string) ([]byte, error) {
			if port != 8080 {
				return nil, errors.New("nothing listens")
			}
			return []byte(namespace + "/" + pod + path), nil
		},
	})
	api, err := server.API()
	if err != nil {
		t.Fatal(err)
	}
	return api, server, changes
}

func apply(t *testing.T, api *objects.API, text string) *unstructured.Unstructured {
	t.Helper()
	applied, err := api.Apply(t.Context(), parse(t, text), "n")
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func TestObjectsAreAppliedReadListedAndDeleted(t *testing.T) {
	t.Parallel()
	api, _, changes := start(t)
	first := apply(t, api, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {app: x}}, data: {k: "1", old: "1"}}`)
	second := apply(t, api, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {app: x}}, data: {k: "2"}}`)
	apply(t, api, `{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: other, labels: {app: x}}}`)
	if first.GetUID() != second.GetUID() || first.GetUID() == "" || first.GetResourceVersion() == second.GetResourceVersion() {
		t.Errorf("applied %v, then %v", first, second)
	}
	read, err := api.Workloads.Clientset.CoreV1().ConfigMaps("n").Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil || read.Data["k"] != "2" || read.Data["old"] != "" || read.CreationTimestamp.IsZero() {
		t.Errorf("read %v, %v", read, err)
	}
	if err := api.CheckOwned(t.Context(), second, "n"); err != nil {
		t.Error(err)
	}
	for selector, count := range map[string]int{"app=x": 1, "app=y": 0, "": 1} {
		list, err := api.Workloads.Clientset.CoreV1().ConfigMaps("n").List(t.Context(), metav1.ListOptions{LabelSelector: selector})
		if err != nil || len(list.Items) != count {
			t.Errorf("%s: listed %v, %v", selector, list, err)
		}
	}
	if err := api.Delete(t.Context(), []*unstructured.Unstructured{second, second}); err != nil {
		t.Error(err)
	}
	if _, err := api.Get(t.Context(), second); !apierrors.IsNotFound(err) {
		t.Errorf("what was deleted: %v", err)
	}
	if *changes != 4 {
		t.Errorf("the hook was called %d times", *changes)
	}
}

func TestWhatTheClusterAddsIsKept(t *testing.T) {
	t.Parallel()
	api, server, _ := start(t)
	apply(t, api, `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}`)
	err := server.Change(func(held *apiserver.Objects) error {
		services, err := apiserver.Typed[corev1.Service](held, "services")
		if err != nil || len(services) != 1 {
			t.Fatalf("got %v, %v", services, err)
		}
		services[0].Spec.ClusterIP = "10.0.0.1"
		held.SetStatus("services", types.NamespacedName{Namespace: "n", Name: "missing"}, nil)
		return held.Put(services[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	again := apply(t, api, `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 81}]}}`)
	if address, _, _ := unstructured.NestedString(again.Object, "spec", "clusterIP"); address != "10.0.0.1" || again.GetGeneration() != 2 {
		t.Errorf("applied %v", again)
	}
	secret := apply(t, api, `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: text}, data: {b: Yg==}}`)
	if data, _, _ := unstructured.NestedStringMap(secret.Object, "data"); data["a"] != "dGV4dA==" || data["b"] != "Yg==" {
		t.Errorf("the Secret's data is %v", data)
	}
}

func TestANamespaceIsDeletedWithItsObjects(t *testing.T) {
	t.Parallel()
	api, _, _ := start(t)
	namespace := apply(t, api, `{apiVersion: v1, kind: Namespace, metadata: {name: "n"}}`)
	inside := apply(t, api, `{apiVersion: v1, kind: Secret, metadata: {name: s}}`)
	if err := api.Delete(t.Context(), []*unstructured.Unstructured{namespace}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Get(t.Context(), inside); !apierrors.IsNotFound(err) {
		t.Errorf("what was in it: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	api, _, _ := start(t)
	bad := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: bad}}`)
	if _, err := api.Apply(t.Context(), bad, "n"); err == nil || !strings.Contains(err.Error(), "refused by the test") {
		t.Errorf("error is %v", err)
	}
	if _, err := api.Get(t.Context(), bad); !apierrors.IsNotFound(err) {
		t.Errorf("what was refused: %v", err)
	}
	apply(t, api, `{apiVersion: v1, kind: ConfigMap, metadata: {name: once}}`)
	if _, err := api.Apply(t.Context(), parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: once}}`), "n"); err == nil {
		t.Error("the second was taken for the first")
	}
}

// What is missing skips a scenario, and doesn't fail it.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	api, _, _ := start(t)
	deployments := api.Workloads.Clientset.AppsV1().Deployments("n")
	_, kind := api.Apply(t.Context(), parse(t, `{apiVersion: batch/v1, kind: Job, metadata: {name: j}}`), "n")
	_, patch := deployments.Patch(t.Context(), "d", types.MergePatchType, []byte("{}"), metav1.PatchOptions{}, "scale")
	_, update := api.Workloads.Clientset.CoreV1().Secrets("n").Update(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.UpdateOptions{})
	_, other := api.Workloads.Clientset.RbacV1().ClusterRoles().Get(t.Context(), "r", metav1.GetOptions{})
	_, version := api.Workloads.Clientset.Discovery().ServerVersion()
	_, watch := api.Workloads.Clientset.CoreV1().Secrets("n").Watch(t.Context(), metav1.ListOptions{})
	for name, err := range map[string]error{"kind": kind, "patch": patch, "update": update, "resource": other, "version": version, "watch": watch} {
		if !errors.Is(err, clusters.ErrUnsupported) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestPods(t *testing.T) {
	t.Parallel()
	api, _, _ := start(t)
	if log, err := api.Workloads.Log(t.Context(), "n", "p", 0); err != nil || log != "log of n/p" {
		t.Errorf("the log is %q, %v", log, err)
	}
	if body, err := api.Workloads.GetFromPod(t.Context(), "n", "p", 8080, "/x/y"); err != nil || body != "n/p/x/y" {
		t.Errorf("got %q, %v", body, err)
	}
	if _, err := api.Workloads.GetFromPod(t.Context(), "n", "p", 1, "/"); err == nil {
		t.Error("a port where nothing listens answered")
	}
}
