package definitions_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/subject/testbed"
)

// assertion is a scenario that has to pass or to fail.
type assertion struct {
	name  string
	steps string
	// seen is part of the failure's message; empty if the scenario has to pass.
	seen string
}

// assertions are scenarios in which each step passes and fails.
func assertions() []assertion {
	return []assertion{
		{"status", `
    When the client requests "http://paths.test:30080/"
    Then the response status is 200
    And the response contains the text "<title>Welcome to nginx!</title>"`, ""},
		{"another status", `
    When the client requests "http://paths.test:30080/"
    Then the response status is 404`, "200 OK"},
		{"another text", `
    When the client requests "http://paths.test:30080/"
    Then the response contains the text "Welcome to Apache"`, "Welcome to nginx"},
		{"no response yet", `
    Then the response status is 200`, "an earlier step must make a request"},
		{"one status of many", `
    When the client requests "http://paths.test:30080/guest" 3 times
    Then every response has the status 404`, "200 OK:3"},
		{"how often each status was received", `
    When the client requests "http://paths.test:30080/guest" 3 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 2        | 3       |`, ""},
		{"a status too often", `
    When the client requests "http://paths.test:30080/guest" 3 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 2       |`, "200:3"},
		{"a status that is not expected", `
    When the client requests "http://paths.test:30080/guest" 3 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 404    | 0        | 3       |`, "200:3"},
		{"how often each text was received", `
    When the client requests "http://paths.test:30080/guest" 4 times
    Then the responses contain these texts:
      | text        | at least | at most |
      | guest-pod-a | 2        | 3       |
      | guest-pod-b | 1        | 2       |`, ""},
		{"a text too often", `
    When the client requests "http://paths.test:30080/guest" 4 times
    Then the responses contain these texts:
      | text       | at least | at most |
      | guest-pod- | 0        | 3       |`, "guest-pod-:4"},
		{"a text that is not expected", `
    When the client requests "http://paths.test:30080/guest" 4 times
    Then the responses contain these texts:
      | text        | at least | at most |
      | guest-pod-a | 1        | 3       |`, "(anything else):2"},
		{"whole text", `
    When the client requests "http://paths.test:30080/guest"
    Then the response is:
      """
      /Hello Kubernetes bootcamp! \| Running on: guest-pod-[ab] \| v=1/
      """`, ""},
		{"another whole text", `
    When the client requests "http://paths.test:30080/guest"
    Then the response is:
      """
      Hello Kubernetes bootcamp! | Running on: guest-pod-z | v=1
      """`, "guest-pod-"},
		{"a bad pattern", `
    When the client requests "http://paths.test:30080/guest"
    Then the response is:
      """
      /(/
      """`, "invalid pattern"},
		{"headers", `
    When the client requests "http://paths.test:30080/admin"
    Then the response has the headers:
      | Content-Type | text/plain |
    And the response has no header "Server"
    And the response came over "HTTP/1.1"`, ""},
		{"another header", `
    When the client requests "http://paths.test:30080/admin"
    Then the response has the headers:
      | Content-Type | text/html |`, `"text/plain"`},
		{"a header too many", `
    When the client requests "http://paths.test:30080/admin"
    Then the response has no header "Content-Type"`, "text/plain"},
		{"protocol", `
    When the client requests "http://paths.test:30080/admin"
    Then the response came over "HTTP/2.0"`, "HTTP/1.1"},
		{"a body", `
    When the client sends POST "http://paths.test:30080/admin" with the body:
      """
      hello
      """
    Then the echo server saw:
      | method | POST  |
      | body   | hello |`, ""},
		{"headers of a request", `
    When the client requests "http://paths.test:30080/admin" with the headers:
      | X-A | 1 |
    Then the echo server saw exactly the headers:
      | accept             | */*              |
      | host               | paths.test:30080 |
      | user-agent         | ingress-testbed  |
      | x-a                | 1                |
      | x-forwarded-for    | 127.0.0.1        |
      | x-forwarded-host   | paths.test:30080 |
      | x-forwarded-port   | 80               |
      | x-forwarded-proto  | http             |
      | x-forwarded-scheme | http             |
      | x-real-ip          | 127.0.0.1        |
      | x-request-id       | /[0-9a-f]{32}/   |
      | x-scheme           | http             |
    And the echo server saw no header "x-b"`, ""},
		{"a header of the request too many", `
    When the client requests "http://paths.test:30080/admin"
    Then the echo server saw exactly the headers:
      | accept | */* |`, "x-forwarded-for"},
		{"a header that the request must not have", `
    When the client requests "http://paths.test:30080/admin" with the cookie "a=b"
    Then the echo server saw no header "cookie"`, "a=b"},
		{"a field that the echo server doesn't name", `
    When the client requests "http://paths.test:30080/admin"
    Then the echo server saw:
      | x-missing | 1 |`, "reported no x-missing"},
		{"no echo server", `
    When the client requests "http://paths.test:30080/guest"
    Then the echo server saw:
      | method | GET |`, "not the response of an echo server"},
		{"another Deployment's Pod", `
    When the client requests "http://paths.test:30080/admin"
    Then the echo server is a Pod of "guest"`, "echo-pod-"},
		{"never within the time", `
    Then within 1 seconds, the echo server behind "http://paths.test:30080/admin" sees:
      | method | POST |`, "method=GET"},
		{"uneven", `
    When the client requests "http://paths.test:30080/guest" 10 times
    Then the responses are spread evenly over the Pods of "echo"`, "(anything else): 10"},
		{"evenly over one connection", `
    When the client requests "http://paths.test:30080/admin" 10 times over one connection
    Then the responses are spread evenly over the Pods of "echo"`, ""},
		{"evenly at once", `
    When the client requests "http://paths.test:30080/admin" 10 times at once
    Then the responses are spread evenly over the Pods of "echo"`, ""},
		{"too many at once", `
    When the client requests "http://paths.test:30080/admin" 1000 times at once`, "at most 100 requests"},
		{"in turn", `
    When the client requests "http://paths.test:30080/admin" 10 times
    Then the responses come in round-robin order from the Pods of "echo"`, ""},
		{"not in turn", `
    When the client requests "http://paths.test:30080/guest" 10 times
    Then the responses come in round-robin order from the Pods of "echo"`, "response 1 came from (anything else)"},
		{"too few for turns", `
    When the client requests "http://paths.test:30080/guest"
    Then the responses come in round-robin order from the Pods of "guest"`, "make more requests"},
		{"one Pod", `
    When the client requests "http://paths.test:30080/guest" 10 times
    Then all responses come from one Pod of "guest"`, "guest-pod-a:5"},
		{"another split", `
    When the client requests "http://canary.test:30080/" 300 times
    Then the responses are split randomly by the text they contain:
      | text   | share |
      | 1.13.0 | 10 %  |
      | 1.13.1 | 90 %  |`, "of 300 responses"},
		{"invalid shares", `
    When the client requests "http://canary.test:30080/"
    Then the responses are split randomly by the text they contain:
      | text   | share |
      | 1.13.0 | most  |`, "not a percentage"},
		{"every text", `
    When the client requests "http://paths.test:30080/guest" 4 times
    Then every response contains the text "guest-pod-a"`, "2 don't contain it"},
		{"the certificate of another Secret", `
    Given a TLS Secret "other" with a self-signed certificate for "gyull.com"
    When the client requests "https://gyull.com:30443/"
    Then the certificate served is not that of the Secret "other"
    And the certificate served is that of the Secret "other"`, "serial number"},
		{"the certificate of another Secret, for a time", `
    Given a TLS Secret "other" with a self-signed certificate for "gyull.com"
    Then within 1 seconds, the certificate served at "https://gyull.com:30443/" is that of the Secret "other"`, "serial number"},
		{"another subject", `
    When the client requests "https://gyull.com:30443/"
    Then the certificate served is for "CN=gyull.org" and names no other hosts`, "CN=gyull.com"},
		{"no TLS", `
    When the client requests "http://gyull.com:30080/"
    Then the connection uses "TLS 1.2" or newer`, "https://"},
		{"no answer", `
    Then "${worker 1 external address}:30080" does not accept connections`, ""},
		{"an answer for a time", `
    Then within 1 seconds, "${control plane external address}:30080" does not accept connections any more`, "a connection from"},
		{"an answer", `
    Then "${control plane external address}:30080" does not accept connections`, "a connection from"},
		{"no connection", `
    When the client requests "http://192.0.2.11:30080/"`, "no route to 192.0.2.11:30080"},
		{"kubectl", `
    When I run "kubectl get svc"
    Then it prints:
      """
      NAME      TYPE       PORT(S)
      ...
      svc2      NodePort   9002:30832/TCP
      """
    And it prints a table with these rows:
      | NAME | PORT(S)          |
      | svc2 | /9002:\d+\/TCP/  |
    And it prints a table with exactly these rows:
      | NAME | TYPE      |
      | svc1 | ClusterIP |
      | svc2 | NodePort  |`, ""},
		{"a line that kubectl doesn't print", `
    When I run "kubectl get svc"
    Then it prints "svc3 ClusterIP 9003/TCP"`, "svc2"},
		{"a row that kubectl doesn't print", `
    When I run "kubectl get svc"
    Then it prints a table with these rows:
      | NAME | TYPE      |
      | svc2 | ClusterIP |`, "NodePort"},
		{"the same row twice", `
    When I run "kubectl get svc"
    Then it prints a table with these rows:
      | NAME     | TYPE      |
      | /svc\d/  | ClusterIP |
      | /svc\d/  | ClusterIP |`, "NodePort"},
		{"rows too many", `
    When I run "kubectl get svc"
    Then it prints a table with exactly these rows:
      | NAME | TYPE      |
      | svc1 | ClusterIP |`, "svc2"},
		{"kubectl fails", `
    When I run "kubectl get walrus"`, "exit code 1"},
		{"endpoints", `
    Then the Services have these endpoints:
      | Service   | Pods | ports |
      | web       | web  | 80    |`, ""},
		{"other endpoints", `
    Then the Services have these endpoints:
      | Service | Pods | ports |
      | web     | web  | 8080  |`, "127.0.0.1:80"},
		{"rights", `
    Then the ClusterRole "ingress-nginx" grants exactly:
      | Resources                          | Verbs      |
      | pods                               | list watch |
      | ingresses.networking.k8s.io/status | update     |`, ""},
		{"a right too many", `
    Then the ClusterRole "ingress-nginx" grants exactly:
      | Resources | Verbs      |
      | pods      | list watch |`, "unexpected: ingresses.networking.k8s.io/status update"},
		{"a right too few", `
    Then the ClusterRole "ingress-nginx" grants exactly:
      | Resources                          | Verbs          |
      | pods                               | list watch get |
      | ingresses.networking.k8s.io/status | update         |`, "missing: pods get"},
		{"nodes of Pods", `
    Then the Pods of "echo" run on 1 different nodes
    And no Pod of "echo" runs on the node "node-2"`, ""},
		{"too few nodes", `
    Then the Pods of "echo" run on 3 different nodes`, "echo-pod-a on node-1"},
		{"the wrong node", `
    Then no Pod of "echo" runs on the node "${control plane}"`, "echo-pod-a does"},
		{"addresses", `
    Then the cluster has these addresses, if they were configured:
      | placeholder           | address   |
      | control plane         | node-1    |
      | control plane address | 10.0.0.1  |
      | client address        | 127.0.0.1 |`, ""},
		{"one address is another", `
    Then the cluster has these addresses, if they were configured:
      | placeholder           | address   |
      | control plane address | 10.0.0.9  |
      | client address        | 127.0.0.1 |`, "control plane address is 10.0.0.1, not 10.0.0.9"},
		{"an unknown placeholder", `
    When the client requests "http://${walrus}/"`, "known are: namespace, domain"},
		{"an unknown Deployment", `
    Then the Pods of "walrus" run on 1 different nodes`, `neither a Deployment nor a Pod "walrus"`},
		{"load", `
    When the client makes 100 requests a second to "http://paths.test:30080/guest" for 1 second
    Then no request of the load run failed
    And 99 % of the requests of the load run were answered within 30000 ms`, ""},
		{"load with errors", `
    When the client makes 20 requests a second to "http://paths.test:30080/status/500" for 1 second
    Then no request of the load run failed`, "20 × status 500"},
		{"slow load", `
    When the client makes 20 requests a second to "http://paths.test:30080/guest" for 1 second
    Then 99 % of the requests of the load run were answered within 0 ms`, "99 % of 20 requests answered within 0s"},
		{"load of nothing", `
    When the client makes 0 requests a second to "http://paths.test:30080/guest" for 1 second`, "needs a rate above 0"},
		{"no load", `
    Then no request of the load run failed`, "there is no load run"},
		{"no command", `
    Then it prints "a"`, "an earlier step must run a command"},
		{"no command with a table", `
    Then it prints a table with these rows:
      | NAME |
      | a    |`, "an earlier step must run a command"},
		{"a WebSocket", `
    When the client opens a WebSocket to "ws://paths.test:30080/websocket"
    Then the WebSocket sends "hello" back
    And the WebSocket sends "" back`, ""},
		{"no WebSocket", `
    When the client opens a WebSocket to "ws://paths.test:30080/guest"`, "200 OK"},
		{"no WebSocket yet", `
    Then the WebSocket sends "hello" back`, "must open it"},
		{"an invalid manifest", `
    Given these objects:
      """
      kind: Walrus
      """`, "apiVersion and a kind"},
		{"an invalid hosts file", `
    Given the client's hosts file has:
      """
      gyull.com 192.0.2.10
      """`, "does not consist of an address and names"},
		{"the load balancer of a Service", `
    When the client requests "http://${load balancer of ${controller namespace}/front}:${node port of ingress/front}/"
    Then the response status is 404`, ""},
		{"a Service without health checks", `
    When the client requests "http://192.0.2.10:${health check port of ingress/front}/"`, "has no health check node port"},
		{"a Service without load balancer", `
    When the client requests "http://${load balancer of ingress/controller}/"`, "has no load balancer"},
		{"a table without its columns", `
    Then requests are answered as follows:
      | URL | code |
      | a   | 200  |`, `no column "status"`},
	}
}

func TestAssertions(t *testing.T) {
	var feature strings.Builder
	feature.WriteString(preamble)
	for _, assertion := range assertions() {
		fmt.Fprintf(&feature, "\n  Scenario: %s%s\n", assertion.name, assertion.steps)
	}
	l := newLoopback(t, proxytest.Mutation{})
	addFixtures(t, l)
	scenarios := runFeature(t, l.environment(t), feature.String()).Features[0].Scenarios
	for i, assertion := range assertions() {
		scenario := scenarios[i]
		step := scenario.FailedStep()
		switch {
		case assertion.seen == "" && scenario.Status() != results.Passed:
			t.Errorf("%s: %s: %s", assertion.name, scenario.Status(), messageOf(step))
		case assertion.seen != "" && (step == nil || !strings.Contains(step.Failure.Message, assertion.seen)):
			t.Errorf("%s: want a failure with %q, but it is %s: %s", assertion.name, assertion.seen, scenario.Status(), messageOf(step))
		}
	}
}

func messageOf(step *results.Step) string {
	if step == nil {
		return "(no step failed)"
	}
	return step.Failure.Message
}

// addFixtures adds objects to the API server, and an output of kubectl.
func addFixtures(t *testing.T, l *loopback) {
	t.Helper()
	port := int32(80)
	l.create(t, &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-1", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"127.0.0.1"}}},
		Ports:      []discoveryv1.EndpointPort{{Port: &port}},
	})
	l.create(t, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "ingress-nginx"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{corev1.GroupName}, Resources: []string{"pods"}, Verbs: []string{"list", "watch"}},
			{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses/status"}, Verbs: []string{"update"}},
		},
	})
	l.create(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "front"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80, NodePort: 30080}}},
		Status:     corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: nodeAddress}}}},
	})
	output := "NAME      TYPE        PORT(S)\nsvc1      ClusterIP   9001/TCP\nsvc2      NodePort    9002:30832/TCP\n"
	if err := os.WriteFile(filepath.Join(l.commands, "get svc"), []byte(output), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRenderSettings(t *testing.T) {
	source := testbed.New(testbed.Options{})
	controller, err := source.Render(map[string]string{
		"node": "k3s-s", "log verbosity": "3", "HTTP node port": "31080", "flag --election-id": "x", "config hsts": "false",
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := charts.YAML(controller.Objects)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"kubernetes.io/hostname: k3s-s", "--v=3", "nodePort: 31080", "--election-id=x", `hsts: "false"`} {
		if !strings.Contains(string(manifest), part) {
			t.Errorf("the manifest lacks %q:\n%s", part, manifest)
		}
	}
	for setting, part := range map[[2]string]string{
		{"nodes", "x"}: "it has: HTTP node port", {"replicas", "many"}: "must be a number", {"external traffic policy", "Global"}: "externalTrafficPolicy",
	} {
		if _, err := source.Render(map[string]string{setting[0]: setting[1]}); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want an error with %q", setting, err, part)
		}
	}
}

// Steps that the cluster doesn't support skip their scenarios, with the reason.
func TestUnsupportedStepsAreSkipped(t *testing.T) {
	feature := preamble + `
  Scenario: workers
    Given the cluster has at least 3 workers
  Scenario: placeholder
    Then "${worker 3 address}:80" does not accept connections
  Scenario: addresses
    Then the cluster has these addresses, if they were configured:
      | placeholder    | address        |
      | client address | 175.116.31.155 |
  Scenario: capture
    Given packets are captured on the link of the controller's Pod
`
	for _, scenario := range runFeature(t, newLoopback(t, proxytest.Mutation{}).environment(t), feature).Features[0].Scenarios {
		if reason := scenario.SkipReason(); scenario.Status() != results.Skipped || !strings.Contains(reason, "not supported by this cluster") {
			t.Errorf("%s is %s, for the reason %q", scenario.Name, scenario.Status(), reason)
		}
	}
}

// After a failure, the report contains evidence for the reason.
func TestEvidenceAfterAFailure(t *testing.T) {
	feature := preamble + `
  Scenario: it fails
    When the client requests "http://paths.test:30080/guest"
    Then the response status is 404
`
	l := newLoopback(t, proxytest.Mutation{})
	l.create(t, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "e"}, Reason: "Synced", Message: "the Ingress is served",
		InvolvedObject: corev1.ObjectReference{Kind: "Ingress", Name: "shop"},
	})
	step := runFeature(t, l.environment(t), feature).Features[0].Scenarios[0].FailedStep()
	if step == nil {
		t.Fatal("nothing failed")
	}
	shown := fmt.Sprint(step.Evidence)
	for _, part := range []string{"> GET http://paths.test:30080/guest", "end of the controller's log", "fake logs", "routing table", "Ingress/shop  the Ingress is served"} {
		if !strings.Contains(shown, part) {
			t.Errorf("the evidence lacks %q:\n%s", part, shown)
		}
	}
}
