package definitions_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/definitions"
)

// Scenarios share no state, so that they can run at the same time: none sees the headers, the responses or the output
// of another.
func TestScenariosRunConcurrently(t *testing.T) {
	const scenarios = 8
	var feature strings.Builder
	feature.WriteString("Feature: isolation\n  Background:\n    Given an ingress controller\n")
	for i := range scenarios {
		fmt.Fprintf(&feature, `
  Scenario: number %[1]d
    Given the client's hosts file has:
      """
      192.0.2.10 paths.test
      """
    And the client always sends the headers:
      | X-Number | %[1]d |
    When the client requests "http://paths.test:30080/admin" 5 times
    Then the echo server saw:
      | x-number | %[1]d |
    When I run "kubectl get svc"
    Then it prints "svc1 ClusterIP 9001/TCP"
    When the client makes 20 requests a second to "http://paths.test:30080/guest" for 1 second
    Then no request of the load run failed
`, i)
	}
	l := newLoopback(t, proxytest.Mutation{})
	addFixtures(t, l)
	run, err := definitions.NewRun(l.environment(t), map[string]int{"a.feature": scenarios})
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	status := godog.TestSuite{
		ScenarioInitializer: run.Initialize,
		Options: &godog.Options{
			Strict: true, Format: "pretty", NoColors: true, Output: &output, Concurrency: scenarios, DefaultContext: t.Context(),
			FeatureContents: []godog.Feature{{Name: "a.feature", Contents: []byte(feature.String())}},
		},
	}.Run()
	if status != 0 {
		t.Errorf("the run ended with status %d:\n%s", status, output.String())
	}
}

// A scenario's namespace is deleted when it ends, and the controller by Clean.
func TestClean(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	configMaps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	_, run := runFeatureIn(t.Context(), t, l.environment(t), "Feature: f\n  Background:\n    Given an ingress controller\n  "+aConfigMap)
	if _, err := l.dynamic.Tracker().Get(configMaps, "ingress", "controller"); err != nil {
		t.Fatalf("the controller was not deployed: %v", err)
	}
	created := 0
	for _, action := range l.dynamic.Actions() {
		patch, ok := action.(clienttesting.PatchAction)
		if !ok || action.GetResource().Resource != "namespaces" {
			continue
		}
		created++
		if _, err := l.dynamic.Tracker().Get(action.GetResource(), "", patch.GetName()); !apierrors.IsNotFound(err) {
			t.Errorf("the namespace %s still exists: %v", patch.GetName(), err)
		}
	}
	if created != 1 {
		t.Errorf("%d namespaces were created, want one", created)
	}
	if err := run.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.dynamic.Tracker().Get(configMaps, "ingress", "controller"); !apierrors.IsNotFound(err) {
		t.Errorf("the controller still exists: %v", err)
	}
}

// The scenarios of a walkthrough that replays no article share a namespace, which is deleted after the last.
func TestAWalkthroughHasItsOwnNamespace(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	runFeatureIn(t.Context(), t, l.environment(t), "@walkthrough\nFeature: f\n  "+aConfigMap+"\n  "+aConfigMap)
	names := map[string]bool{}
	for _, action := range l.dynamic.Actions() {
		patch, ok := action.(clienttesting.PatchAction)
		if !ok || action.GetResource().Resource != "namespaces" {
			continue
		}
		names[patch.GetName()] = true
		if _, err := l.dynamic.Tracker().Get(action.GetResource(), "", patch.GetName()); !apierrors.IsNotFound(err) {
			t.Errorf("the namespace %s still exists: %v", patch.GetName(), err)
		}
	}
	if len(names) != 1 {
		t.Errorf("the namespaces %v were created, want one", names)
	}
}

// On a cluster that ends with the run, a scenario deletes only what could disturb others. Services may stay as long as there are enough
// cluster IPs. What it applied in another namespace is deleted as everywhere.
func TestOnADisposableClusterScenariosDeleteWhatCouldDisturb(t *testing.T) {
	for name, c := range map[string]struct {
		cidr    string
		deleted map[string]string
	}{
		"many cluster IPs": {"10.10.208.0/20", map[string]string{"ingresses ingress": "Background", "services elsewhere": "Foreground"}},
		"few cluster IPs": {"10.10.208.0/31", map[string]string{
			"ingresses ingress": "Background", "services second": "Background", "services elsewhere": "Foreground",
		}},
		"unknown": {"", map[string]string{
			"ingresses ingress": "Background", "services first": "Background", "services second": "Background", "services elsewhere": "Foreground",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.deleted, deletedWith(t, c.cidr)); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
		})
	}
}

// deletedWith returns what a scenario deletes, and how dependents are, on a cluster with a range of cluster IPs, or without one that is
// known.
func deletedWith(t *testing.T, cidr string) map[string]string {
	t.Helper()
	l := newLoopback(t, proxytest.Mutation{})
	if cidr != "" {
		l.create(t, &networkingv1.ServiceCIDR{
			ObjectMeta: metav1.ObjectMeta{Name: "kubernetes"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{cidr, "fd00:10::/108"}},
		})
	}
	environment := l.environment(t)
	environment.Disposable = true
	report, _ := runFeatureIn(t.Context(), t, environment, "Feature: f\n  "+aConfigMap+`
    And these objects, without waiting until they are ready:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: first}
      spec: {type: ClusterIP, ports: [{port: 80}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: second}
      spec: {type: ClusterIP, ports: [{port: 80}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: elsewhere, namespace: other}
      spec: {type: ClusterIP, ports: [{port: 80}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: ingress}
      spec: {defaultBackend: {service: {name: first, port: {number: 80}}}}
      """
`)
	if step := report.Features[0].Scenarios[0].FailedStep(); step != nil {
		t.Fatalf("%s: %+v", step.Text, step.Failure)
	}
	deleted := map[string]string{}
	for _, action := range l.dynamic.Actions() {
		if one, ok := action.(clienttesting.DeleteAction); ok {
			deleted[action.GetResource().Resource+" "+one.GetName()] = string(*one.GetDeleteOptions().PropagationPolicy)
		}
	}
	return deleted
}

// While another scenario gives the controller other settings, the API server may not reach its webhook.
func TestObjectsAreAppliedAgainWhileTheWebhookIsOutOfReach(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	attempts := 0
	l.dynamic.PrependReactor("patch", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		attempts++
		return attempts < 3, nil, apierrors.NewInternalError(errors.New(`failed calling webhook "validate.test": connection refused`))
	})
	report, _ := runFeatureIn(t.Context(), t, l.environment(t), "Feature: f\n  "+aConfigMap)
	if step := report.Features[0].Scenarios[0].FailedStep(); step != nil || attempts != 3 {
		t.Errorf("after %d attempts: %+v", attempts, step)
	}
}

// An interrupted walkthrough leaves its objects to Clean.
func TestCleanDeletesWhatAnInterruptedWalkthroughHasLeft(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	run, err := definitions.NewRun(l.environment(t), map[string]int{"a.feature": 2}) // one of which doesn't run
	if err != nil {
		t.Fatal(err)
	}
	godog.TestSuite{
		ScenarioInitializer: run.Initialize,
		Options: &godog.Options{
			Strict: true, Format: "progress", Output: io.Discard, DefaultContext: t.Context(),
			FeatureContents: []godog.Feature{{Name: "a.feature", Contents: []byte("@walkthrough @article\nFeature: f\n  " + aConfigMap)}},
		},
	}.Run()
	configMaps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	if _, err := l.dynamic.Tracker().Get(configMaps, "default", "settings"); err != nil {
		t.Fatalf("the walkthrough's object was deleted before its last scenario: %v", err)
	}
	if err := run.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.dynamic.Tracker().Get(configMaps, "default", "settings"); !apierrors.IsNotFound(err) {
		t.Errorf("the walkthrough's object still exists: %v", err)
	}
}

// The background of a walkthrough runs before each scenario. It must not replace a certificate that is in use.
func TestACertificateIsIssuedOnceInAWalkthrough(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	applied := func() string {
		secret, err := l.clientset.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "default", "shop")
		if err != nil {
			t.Fatal(err)
		}
		return string(secret.(*corev1.Secret).Data[corev1.TLSCertKey])
	}
	var seen []string
	l.admitted = func(string) bool { seen = append(seen, applied()); return true }
	ingress := `
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: shop}
      """
`
	for _, step := range []string{
		`a TLS Secret "shop" with a certificate for "shop.test"`, `a TLS Secret "shop" with a self-signed certificate for "shop.test"`,
	} {
		seen = nil
		recorded := runFeature(t, l.environment(t), "@walkthrough @article\nFeature: f\n  Background:\n    Given "+step+
			"\n  Scenario: one"+ingress+"\n  Scenario: two"+ingress+
			"\n  Scenario: three\n    Given "+strings.ReplaceAll(step, "shop.test", "other.test")+ingress)
		for _, scenario := range recorded.Features[0].Scenarios {
			if scenario.Status() != results.Passed {
				t.Fatalf("%s: %+v", scenario.Name, scenario.FailedStep())
			}
		}
		if len(seen) != 3 || seen[0] != seen[1] {
			t.Errorf("%s: the second scenario has another certificate than the first", step)
		}
		if len(seen) == 3 && seen[1] == seen[2] {
			t.Errorf("%s: the certificate was not replaced by one for other hosts", step)
		}
	}
}
