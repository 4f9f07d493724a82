package kubeconfig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	discoveryfake "k8s.io/client-go/discovery/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
)

func labelled(kind, name, run, owner string) *metav1.PartialObjectMetadata {
	made := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	if run != "" {
		made.Labels = map[string]string{RunLabel: run}
	}
	if owner != "" {
		made.Annotations = map[string]string{ownerAnnotation: owner}
	}
	return made
}

func newTestCleaner(t *testing.T, objects ...runtime.Object) *cleaner {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	all := []string{"create", "delete", "get", "list"}
	found := &discoveryfake.FakeDiscovery{Fake: &clienttesting.Fake{Resources: []*metav1.APIResourceList{{
		GroupVersion: "v1",
		APIResources: []metav1.APIResource{
			{Name: "namespaces", Kind: "Namespace", Verbs: all},
			{Name: "nodes", Kind: "Node", Verbs: all},
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: all},
			{Name: "componentstatuses", Kind: "ComponentStatus", Verbs: []string{"get", "list"}},
		},
	}}}}
	return &cleaner{found, metadatafake.NewSimpleMetadataClient(scheme, objects...)}
}

func TestOnlyWhatARunMadeIsRemoved(t *testing.T) {
	cleaner := newTestCleaner(t,
		labelled("Namespace", "theirs", "", ""), labelled("Namespace", "story", "x", "host/1/2"),
		labelled("Namespace", "other-run", "y", ""), labelled("Node", "class", "x", ""),
	)
	found, err := cleaner.find(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := cleaner.remove(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if left := remaining(t, cleaner); !slices.Equal(left, []string{"other-run", "theirs"}) {
		t.Errorf("left are %q", left)
	}
}

func remaining(t *testing.T, cleaner *cleaner) []string {
	t.Helper()
	var names []string
	for _, resource := range []string{"namespaces", "nodes"} {
		list, err := cleaner.metadata.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			names = append(names, item.Name)
		}
	}
	slices.Sort(names)
	return names
}

func TestLeftoversByRun(t *testing.T) {
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	here, err := owner()
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	gone := fmt.Sprintf("%s/%d/1", host, ended.Process.Pid)
	reused := fmt.Sprintf("%s/%d/1", host, os.Getpid()) // the number of a process that started at another time
	list := byRun([]orphan{
		{namespaces, "b", "runs", ""}, {namespaces, "a", "runs", here}, {namespaces, "c", "gone", gone},
		{namespaces, "d", "reused", reused}, {namespaces, "e", "elsewhere", "another-machine/1/1"}, {namespaces, "f", "unknown", ""},
	})
	want := map[string]bool{"runs": true, "gone": false, "reused": false, "elsewhere": true, "unknown": false}
	if len(list) != len(want) {
		t.Fatalf("%d runs, want %d", len(list), len(want))
	}
	for _, leftover := range list {
		if leftover.Running != want[leftover.Run] {
			t.Errorf("run %s (owner %s): running %v", leftover.Run, leftover.Owner, leftover.Running)
		}
		if leftover.Run == "runs" && strings.Join(leftover.Objects, " ") != "namespaces/a namespaces/b" {
			t.Errorf("objects %q", leftover.Objects)
		}
	}
}

func TestOwnersThatMakeNoSense(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", "//", host + "/x/1", host + "/-1/1", host + "/1/1/1"} {
		if running, known := runs(text); running || known {
			t.Errorf("%q: running %v, known %v", text, running, known)
		}
	}
}
