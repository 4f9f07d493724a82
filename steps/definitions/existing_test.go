package definitions_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// another returns a loopback cluster with the IngressClass of another controller, and the controller's Service, which has
// the port names of Traefik's chart.
func another(t *testing.T) (*loopback, *corev1.Service) {
	t.Helper()
	l := newLoopback(t, proxytest.Mutation{})
	l.create(t, &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "another"}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/another"},
	})
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "another"},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.10.200.7", Selector: map[string]string{"app": "controller"},
			Ports: []corev1.ServicePort{
				{Name: "metrics", Port: 9100}, {Name: "web", Port: 8000, NodePort: 30080}, {Name: "websecure", Port: 443, NodePort: 30443},
			},
		},
	}
	return l, service
}

func reference() subject.Reference {
	return subject.Reference{IngressClass: "another", Namespace: "ingress", Service: "another"}
}

// Scenarios that inspect or configure the test-bed's own controller are skipped with another one.
func TestExistingController(t *testing.T) {
	l, service := another(t)
	service.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyCluster
	l.create(t, service)
	environment := l.environment(t)
	environment.Controller = subject.NewExisting(l.subjectCluster(t), reference())
	environment.WaitPolicy = subject.WaitPolicy{Settle: time.Millisecond}
	if err := environment.Controller.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	scenarios := map[string]struct {
		steps  string
		reason string // of a skip; "" for scenarios that pass
	}{
		"serves": {`
    When the client requests "http://paths.test/"
    Then the response status is 200
    When the client requests "https://gyull.com/"
    Then the response status is 200`, ""},
		"its installation": {`
    When the client requests "http://paths.test/admin" with the headers:
      | X-It | ${controller pod} ${controller cluster IP} ${ingress class} ${controller namespace} ${controller node} |
      | X-Of | ${controller of the ingress class} |
    Then the echo server saw:
      | x-it | controller-0 10.10.200.7 another ingress node-1 |
      | x-of | example.com/another |`, ""},
		"the client's address": {`
    When the client requests "http://paths.test/admin"
    Then the echo server saw:
      | x-forwarded-for | ${client address} |`, "externalTrafficPolicy of the controller's Service ingress/another is not Local"},
		"settings": {`
    Given an ingress controller with:
      | replicas | 2  |
      | node     | n1 |`, "sets node, replicas of the ingress controller"},
		"log": {`
    Then the controller's log contains, in this order:
      | fake logs |`, "log is unknown"},
		"routing table": {`
    Then the controller's routing table contains:
      """
      location /
      """`, "prints its routing table"},
		"rights": {`
    Then the ClusterRole "${controller instance}" grants exactly:
      | Resources | Verbs |
      | pods      | list  |`, "cluster-scoped objects are unknown"},
	}
	feature := "Feature: another\n  Background:\n    Given an ingress controller\n"
	for name, scenario := range scenarios {
		feature += "\n  Scenario: " + name + scenario.steps + "\n"
	}
	for _, scenario := range runFeature(t, environment, feature).Features[0].Scenarios {
		want, status := results.Passed, scenario.Status()
		if scenarios[scenario.Name].reason != "" {
			want = results.Skipped
		}
		if status != want || !strings.Contains(scenario.SkipReason(), scenarios[scenario.Name].reason) {
			t.Errorf("%s: %s because %q, want %s: %+v", scenario.Name, status, scenario.SkipReason(), want, scenario.FailedStep())
		}
	}
}

func TestExistingControllerByClusterIP(t *testing.T) {
	l, service := another(t)
	service.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	for i := range service.Spec.Ports {
		service.Spec.Ports[i].NodePort = 0
	}
	l.create(t, service)
	l.addresses = map[string]string{"10.10.200.7:8000": l.addresses[nodeAddress+":30080"], "10.10.200.7:443": l.addresses[nodeAddress+":30443"]}
	environment := l.environment(t)
	byClusterIP := reference()
	byClusterIP.ByClusterIP = true
	environment.Controller = subject.NewExisting(l.subjectCluster(t), byClusterIP)
	if err := environment.Controller.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := runFeature(t, environment, `Feature: by cluster IP
  Scenario: both ports
    Given an ingress controller
    When the client requests "http://paths.test/"
    Then the response status is 200
    When the client requests "https://gyull.com/"
    Then the response status is 200
    When the client requests "http://paths.test/admin"
    Then the echo server saw:
      | x-forwarded-for | ${client address} |
`)
	if scenario := run.Features[0].Scenarios[0]; scenario.Status() != results.Passed {
		t.Errorf("%s: %+v", scenario.Status(), scenario.FailedStep())
	}
}

func TestCheckOfAnExistingControllerFails(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*corev1.Service, *subject.Reference)
		want   string
	}{
		"no Service":   {func(_ *corev1.Service, r *subject.Reference) { r.Service = "gone" }, "no Service ingress/gone: name the Service that selects"},
		"no class":     {func(_ *corev1.Service, r *subject.Reference) { r.IngressClass = "gone" }, `no IngressClass "gone"; it has: another`},
		"no selector":  {func(s *corev1.Service, _ *subject.Reference) { s.Spec.Selector = nil }, "has no selector"},
		"no node port": {func(s *corev1.Service, _ *subject.Reference) { s.Spec.Ports[1].NodePort = 0 }, "change its type to NodePort"},
		"no HTTPS port": {
			func(s *corev1.Service, _ *subject.Reference) { s.Spec.Ports = s.Spec.Ports[:2] },
			"no port 443, nor one named https or websecure; it has: metrics 9100, web 8000",
		},
		"no cluster IP": {func(s *corev1.Service, r *subject.Reference) { s.Spec.ClusterIP, r.ByClusterIP = "None", true }, "no cluster IP"},
		"no ready Pod":  {func(s *corev1.Service, _ *subject.Reference) { s.Spec.Selector["app"] = "none" }, "no ready Pod"},
	} {
		t.Run(name, func(t *testing.T) {
			l, service := another(t)
			named := reference()
			test.change(service, &named)
			l.create(t, service)
			if err := subject.NewExisting(l.subjectCluster(t), named).Check(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
