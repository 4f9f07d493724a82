package definitions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/effect"
)

// The kind of the assertion and the tag say what a failure means.
func TestEffectsOfFailures(t *testing.T) {
	failures := []struct {
		tag, step string
		want      effect.Effect
	}{
		{"", `
    When the client requests "http://paths.test:30080/guest"
    Then the response status is 401`, effect.ProtectionLost},
		{"", `
    When the client requests "http://paths.test:30080/guest"
    Then the response status is 503`, effect.AnotherBackend},
		{"@protection", `
    When the client requests "http://paths.test:30080/guest"
    Then the response status is 503`, effect.ProtectionLost},
		{"@protection", `
    When the client requests "http://paths.test:30080/guest"
    Then the response status is 302`, effect.ProtectionLost},
		{"", `
    When the client requests "http://paths.test:30080/guest"
    Then the response status is 302`, effect.RedirectedDifferently},
		{"@protection", `
    When the client requests "http://other.test:30080/"
    Then the response status is 200`, effect.Lost},
		{"@protection", `
    When the client requests "http://other.test:30080/"
    Then the response status is 401`, effect.AnswersDifferently},
		{"", `
    Then requests are answered as follows:
      | URL                           | status    |
      | http://other.test:30080/      | 200       |
      | http://paths.test:30080/guest | 403       |
      | http://paths.test:30080/guest | /[45]\d2/ |`, effect.ProtectionLost},
		{"", `
    Then requests are answered as follows:
      | URL                           | status | text                  |
      | http://paths.test:30080/admin | 200    | server_version=httpd  |`, effect.AnotherBackend},
		{"", `
    When the client requests "http://paths.test:30080/guest" 3 times
    Then every response has the status 429`, effect.ProtectionLost},
		{"@protection", `
    When the client requests "http://paths.test:30080/guest" 3 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 2       |
      | 503    | 1        | 2       |`, effect.ProtectionLost},
		{"", `
    When the client requests "http://other.test:30080/" 3 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 3       |
      | 404    | 0        | 2       |`, effect.Lost},
		{"", `
    When the client requests "http://other.test:30080/"
    Then the echo server saw:
      | method | GET |`, effect.Lost},
		{"", `
    When the client requests "http://paths.test:30080/guest"
    Then the echo server is a Pod of "echo"`, effect.AnotherBackend},
		{"", `
    When the client requests "http://paths.test:30080/admin"
    Then the echo server saw:
      | x-one | 1 |`, effect.Headers},
		{"", `
    When the client requests "http://paths.test:30080/admin"
    Then the echo server saw:
      | real path | /other |`, effect.AnswersDifferently},
		{"", `
    When the client requests "http://paths.test:30080/guest"
    Then the response contains the text "Apache"`, effect.AnswersDifferently},
		{"", `
    When the client requests "http://paths.test:30080/guest"
    Then the response has the headers:
      | X-One    | 1      |
      | Location | /other |`, effect.RedirectedDifferently},
		{"", `
    When the client requests "http://paths.test:30080/guest" 10 times
    Then the responses are spread evenly over the Pods of "echo"`, effect.AnotherBackend},
		{"", `
    When the client requests "http://other.test:30080/" 10 times
    Then the responses are spread evenly over the Pods of "echo"`, effect.Lost},
		{"", `
    When the client requests "http://paths.test:30080/guest" 10 times
    Then all responses come from one Pod of "guest"`, effect.AnotherBackend},
		{"", `
    When the client requests "http://192.0.2.11:30080/"`, effect.Lost},
		{"", `
    Then "${control plane external address}:30080" does not accept connections`, effect.AnotherBackend},
		{"", `
    Given a TLS Secret "other" with a self-signed certificate for "gyull.com"
    When the client requests "https://gyull.com:30443/"
    Then the certificate served is that of the Secret "other"`, effect.Lost},
		{"@protection", `
    When the client makes 20 requests a second to "http://paths.test:30080/guest" for 1 second
    Then 10 to 20 % of the requests of the load run succeeded, and the others were rejected with the status 503`, effect.ProtectionLost},
		{"", `
    When the client makes 20 requests a second to "http://paths.test:30080/status/500" for 1 second
    Then no request of the load run failed`, effect.Lost},
		{"@protection", `
    When I run "kubectl get svc"
    Then it prints "svc3"`, effect.None},
	}
	var feature strings.Builder
	feature.WriteString(preamble)
	for i, failure := range failures {
		fmt.Fprintf(&feature, "\n  %s\n  Scenario: %d%s\n", failure.tag, i, failure.step)
	}
	l := newLoopback(t, proxytest.Mutation{})
	addFixtures(t, l)
	scenarios := runFeature(t, l.environment(t), feature.String()).Features[0].Scenarios
	for i, failure := range failures {
		scenario := &scenarios[i]
		if got := scenario.Effect(); got != failure.want || !scenario.Status().Failing() {
			t.Errorf("%s, want %s:%s\n%s", got, failure.want, failure.step, messageOf(scenario.FailedStep()))
		}
	}
}
