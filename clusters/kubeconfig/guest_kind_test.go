//go:build kind

package kubeconfig_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// TestAGuestLeavesNothing runs feature files twice on the cluster of KUBECONFIG, to which the test-bed's images were
// loaded, and compares all of its objects before and after: nothing but time stamps, resource versions and events may
// differ. FEATURES limits what is run; without it, all is. So is it run:
//
//	kind create cluster --kubeconfig /tmp/guest && kind load image-archive bin/images/*.tar
//	KUBECONFIG=/tmp/guest go test -tags kind -timeout 30m -run Guest ./clusters/kubeconfig
func TestAGuestLeavesNothing(t *testing.T) {
	program, err := filepath.Abs("../../bin/testbed")
	if err != nil {
		t.Fatal(err)
	}
	before := dump(t)
	for number := range 2 {
		arguments := append([]string{"run", "--cluster", "kubeconfig", "--reports", filepath.Join(t.TempDir(), "reports")},
			strings.Fields(os.Getenv("FEATURES"))...)
		start := time.Now()
		output, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput()
		t.Logf("run %d took %s:\n%s", number+1, time.Since(start).Round(time.Second), output)
		if err != nil {
			t.Errorf("run %d: %v", number+1, err)
		}
	}
	if diff := cmp.Diff(before, dump(t)); diff != "" {
		t.Errorf("the cluster isn't as it was (-before +after):\n%s", diff)
	}
	t.Logf("%d objects are as they were", len(before))
}

// dump reads every object that can be listed, by its resource, namespace and name.
func dump(t *testing.T) map[string]any {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 100, 200
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			if resource.Name != "events" && slices.Contains(resource.Verbs, "list") {
				add(t, all, client, version.WithResource(resource.Name))
			}
		}
	}
	return all
}

func add(t *testing.T, all map[string]any, client dynamic.Interface, resource schema.GroupVersionResource) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	objects, err := client.Resource(resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatalf("listing %s: %v", resource, err)
	}
	for _, object := range objects.Items {
		object.SetResourceVersion("")
		all[resource.GroupResource().String()+" "+object.GetNamespace()+"/"+object.GetName()] = withoutTimes(object.Object)
	}
}

// withoutTimes drops time stamps, wherever they are.
func withoutTimes(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, field := range value {
			if text, ok := field.(string); ok {
				if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
					continue
				}
			}
			kept[key] = withoutTimes(field)
		}
		return kept
	case []any:
		kept := make([]any, 0, len(value))
		for _, item := range value {
			kept = append(kept, withoutTimes(item))
		}
		return kept
	}
	return value
}
