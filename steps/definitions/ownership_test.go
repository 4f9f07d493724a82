package definitions_test

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// foreign creates a ConfigMap that the test-bed hasn't applied.
func (l *loopback) foreign(t *testing.T, name, namespace string) {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"of": "the user"}}}
	object.SetName(name)
	object.SetNamespace(namespace)
	if err := l.dynamic.Tracker().Create(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, object, namespace); err != nil {
		t.Fatal(err)
	}
}

const aConfigMap = `Scenario: a ConfigMap
    Given these objects:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: settings}
      """
`

// An object of the same name that somebody else created is neither changed nor deleted.
func TestForeignObjectsAreUnchanged(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	l.foreign(t, "settings", "default")
	run := runFeature(t, l.environment(t), "@walkthrough @article\nFeature: walkthrough\n  "+aConfigMap)
	step := run.Features[0].Scenarios[0].FailedStep()
	if step == nil || !strings.Contains(step.Failure.Message, "ConfigMap default/settings already exists: it was not created by the test-bed") {
		t.Errorf("the step failed with %+v", step)
	}
	found, err := l.dynamic.Tracker().Get(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, "default", "settings")
	if err != nil {
		t.Fatal(err)
	}
	if data, _, _ := unstructured.NestedString(found.(*unstructured.Unstructured).Object, "data", "of"); data != "the user" {
		t.Errorf("the object is now %v", found)
	}
}

// A walkthrough can apply its own objects again.
func TestObjectsCanBeAppliedAgain(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	run := runFeature(t, l.environment(t), "@walkthrough @article\nFeature: walkthrough\n  "+aConfigMap+"\n  "+aConfigMap)
	for _, scenario := range run.Features[0].Scenarios {
		if scenario.Status() != results.Passed {
			t.Errorf("%s: %+v", scenario.Status(), scenario.FailedStep())
		}
	}
}

// Check finds objects that have the names of the controller's.
func TestCheckFindsConflictingObjects(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	environment := l.environment(t)
	if err := environment.Controller.Check(t.Context()); err != nil {
		t.Errorf("without a conflict, the error is %v", err)
	}
	l.foreign(t, "controller", "ingress")
	err := environment.Controller.Check(t.Context())
	if !errors.Is(err, objects.ErrForeign) || !strings.Contains(err.Error(), "--cluster kubeconfig") {
		t.Errorf("error %v", err)
	}
}
