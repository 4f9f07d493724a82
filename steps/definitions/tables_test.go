package definitions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
)

// A step with a table checks all of its rows, and its failure names each row that deviates and no other.
func TestFailuresNameEveryRowThatDeviates(t *testing.T) {
	tables := []struct {
		step     string
		named    []string
		notNamed string
	}{
		{`
    Then requests are answered as follows:
      | URL                             | status | text                          |
      | http://paths.test:30080/status1 | 418    |                               |
      | http://paths.test:30080/guest   | 200    | Hello                         |
      | http://paths.test:30080/        | 200    | Apache                        |
      | http://paths.test:30080/status2 | 419    |                               |`,
			[]string{"/status1 is answered with status 418", `contains the text "Apache"`, "/status2 is answered with status 419"}, "/guest is"},
		{`
    Then within 1 seconds, requests are answered as follows:
      | URL                             | status |
      | http://paths.test:30080/status1 | 418    |
      | http://paths.test:30080/status2 | 419    |`, []string{"status 418", "status 419"}, ""},
		{`
    When the client requests "http://paths.test:30080/admin"
    Then the response has the headers:
      | X-One        | 1          |
      | Content-Type | text/plain |
      | X-Two        | 2          |`, []string{"header X-One: 1", "header X-Two: 2"}, "header Content-Type"},
		{`
    When the client requests "http://paths.test:30080/admin"
    Then the echo server saw:
      | method  | POST |
      | query   |      |
      | x-three | 3    |`, []string{"method=POST", "x-three=3"}, "query="},
		{`
    When the client requests "http://paths.test:30080/admin"
    Then the echo server saw exactly the headers:
      | accept     | text/html |
      | user-agent | curl      |`, []string{"only the headers accept, user-agent", "accept=text/html", "user-agent=curl"}, ""},
		{`
    Then within 1 seconds, the echo server behind "http://paths.test:30080/admin" sees:
      | method | POST |
      | query  | a=b  |`, []string{"method=POST", "query=a=b"}, ""},
		{`
    When the client requests "http://paths.test:30080/guest" 3 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 404    | 1        | 1       |
      | 503    | 2        | 2       |`, []string{"1 to 1 times 404", "2 to 2 times 503", "200:3"}, ""},
		{`
    When the client requests "http://canary.test:30080/" 300 times
    Then the responses are split randomly by the text they contain:
      | text   | share |
      | 1.13.0 | 10 %  |
      | 1.13.1 | 90 %  |`, []string{"1.13.0: ", "1.13.1: "}, ""},
		{`
    When I run "kubectl get svc"
    Then it prints a table with these rows:
      | NAME | TYPE         |
      | svc2 | ClusterIP    |
      | svc1 | ClusterIP    |
      | svc3 | LoadBalancer |`, []string{"NAME svc2, TYPE ClusterIP", "NAME svc3, TYPE LoadBalancer"}, "NAME svc1, TYPE ClusterIP"},
		{`
    When I run "kubectl get svc"
    Then it prints a table with exactly these rows:
      | NAME | TYPE         |
      | svc3 | LoadBalancer |`, []string{"NAME svc3, TYPE LoadBalancer", "also NAME svc1, TYPE ClusterIP; NAME svc2, TYPE NodePort"}, ""},
		{`
    Then the Services have these endpoints:
      | Service | Pods | ports |
      | web     | web  | 8080  |
      | gone    | web  | 80    |`, []string{"127.0.0.1:8080", "default/gone"}, ""},
		{`
    Then the ClusterRole "ingress-nginx" grants exactly:
      | Resources | Verbs          |
      | pods      | list watch get |
      | secrets   | list           |`, []string{"missing: pods get", "missing: secrets list", "unexpected: ingresses.networking.k8s.io/status update"}, "missing: pods list"},
		{`
    Then the cluster has these addresses, if they were configured:
      | placeholder           | address   |
      | control plane address | 10.0.0.9  |
      | control plane         | k3s-s     |
      | client address        | 127.0.0.1 |`, []string{"control plane address is 10.0.0.1, not 10.0.0.9", "control plane is node-1, not k3s-s"}, "client address is"},
		{`
    Then the controller's log contains, in this order:
      | fake   |
      | first  |
      | logs   |
      | second |`, []string{`contains "first"`, `contains "logs"`, `contains "second"`}, `contains "fake"`},
	}
	var feature strings.Builder
	feature.WriteString(preamble)
	for i, table := range tables {
		fmt.Fprintf(&feature, "\n  Scenario: %d%s\n", i, table.step)
	}
	l := newLoopback(t, proxytest.Mutation{})
	addFixtures(t, l)
	scenarios := runFeature(t, l.environment(t), feature.String()).Features[0].Scenarios
	for i, table := range tables {
		step := scenarios[i].FailedStep()
		if step == nil {
			t.Errorf("no failure:%s", table.step)
			continue
		}
		for _, part := range table.named {
			if !strings.Contains(step.Failure.Message, part) {
				t.Errorf("the failure lacks %q:\n%s", part, step.Failure.Message)
			}
		}
		if table.notNamed != "" && strings.Contains(step.Failure.Message, table.notNamed) {
			t.Errorf("the failure has %q:\n%s", table.notNamed, step.Failure.Message)
		}
	}
}

// A table that would check nothing is an error.
func TestTablesWithColumnsThatNoStepReads(t *testing.T) {
	tables := map[string]string{
		`unknown column "body": the table can have URL, status, method, text, comment`: `
    Then requests are answered as follows:
      | URL                      | status | body   |
      | http://paths.test:30080/ | 200    | Apache |`,
		`the table has the column "text" twice`: `
    Then requests are answered as follows:
      | URL                      | status | text   | text  |
      | http://paths.test:30080/ | 200    | Apache | nginx |`,
		"the status 200 is in the table twice": `
    When the client requests "http://paths.test:30080/"
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 0        | 1       |
      | 200    | 0        | 1       |`,
		"must have one column": `
    Then the controller's log contains, in this order:
      | fake | logs |`,
	}
	for want, step := range tables {
		l := newLoopback(t, proxytest.Mutation{})
		failed := runFeature(t, l.environment(t), preamble+"\n  Scenario: s"+step+"\n").Features[0].Scenarios[0].FailedStep()
		if failed == nil || !strings.Contains(failed.Failure.Message, want) {
			t.Errorf("want a failure with %q, but: %s", want, messageOf(failed))
		}
	}
}
