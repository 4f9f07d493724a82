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

func (l *loopback) users(t *testing.T, name, namespace string) {
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

// A cluster may hold objects of its user. One in the way is neither changed nor, at the end, removed.
func TestAUsersObjectsAreLeftAsTheyAre(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	l.users(t, "settings", "default")
	run := runFeature(t, l.environment(t), "@walkthrough\nFeature: story\n  "+aConfigMap)
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

// What the story made itself, it may apply again.
func TestAnObjectMayBeAppliedTwice(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	run := runFeature(t, l.environment(t), "@walkthrough\nFeature: story\n  "+aConfigMap+"\n  "+aConfigMap)
	for _, scenario := range run.Features[0].Scenarios {
		if scenario.Status() != results.Passed {
			t.Errorf("%s: %+v", scenario.Status(), scenario.FailedStep())
		}
	}
}

// The controller's names are looked at before any scenario runs.
func TestAControllerInTheWayIsToldFirst(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	environment := l.environment(t)
	if err := environment.Controller.Check(t.Context()); err != nil {
		t.Errorf("nothing is in the way, and the error is %v", err)
	}
	l.users(t, "controller", "ingress")
	err := environment.Controller.Check(t.Context())
	if !errors.Is(err, objects.ErrForeign) || !strings.Contains(err.Error(), "--cluster kubeconfig") {
		t.Errorf("error %v", err)
	}
}
