package definitions_test

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/definitions"
)

// subjects are scenarios that test one subject each, as the walkthroughs do.
func subjects() map[proxytest.Subject]string {
	return map[proxytest.Subject]string{
		proxytest.Routing: `
    Then requests are answered as follows:
      | URL                         | status | text                |
      | gyull.com:30080/            | 200    | real path=/         |
      | gyull.com:30080/echo/5      | 200    | real path=/echo/5   |
      | test.gyull.com:30080/       | 404    |                     |
      | test.gyull.com:30080/echo   | 200    | real path=/echo     |
      | test.gyull.com:30080/echoes | 404    |                     |
      | a.test.gyull.com:30080/echo | 404    |                     |
      | other.test:30080/echo       | 404    |                     |`,
		proxytest.Distribution: `
    When the client requests "http://paths.test:30080/guest" 100 times
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "guest"
    When the client requests "http://paths.test:30080/admin" 100 times
    Then the responses are spread evenly over the Pods of "echo"`,
		proxytest.SourceAddress: `
    When the client requests "http://paths.test:30080/admin"
    Then the echo server is a Pod of "echo"
    And the echo server saw:
      | client_address  | 127.0.0.1                |
      | x-forwarded-for | ${client address}        |
    And within 1 seconds, the echo server behind "http://paths.test:30080/admin" sees:
      | x-forwarded-for | ${control plane masquerade} |`,
		proxytest.Canary: `
    When the client requests "http://canary.test:30080/" 1000 times
    Then the responses are split randomly by the text they contain:
      | text                         | share |
      | server_version=nginx: 1.13.0 | 90 %  |
      | server_version=nginx: 1.13.1 | 10 %  |`,
		proxytest.TLS: `
    When the client requests "https://gyull.com:30443/"
    Then the response status is 200
    And the certificate served is that of the Secret "secret-https"
    And the certificate served is for "CN=gyull.com,O=gyull.com" and names no other hosts
    And the connection uses "TLS 1.2" or newer`,
	}
}

const preamble = `@walkthrough @article
Feature: The subjects
  Background:
    Given an ingress controller
    And the client's hosts file has:
      """
      192.0.2.10 gyull.com test.gyull.com a.test.gyull.com canary.test paths.test other.test
      """
`

// Each fault of the proxy fails the scenario about its subject and no other. Without a fault, all pass.
func TestScenariosDetectFaultsOfTheProxy(t *testing.T) {
	for _, fault := range append(proxytest.Mutations(), proxytest.Mutation{Name: "no fault"}) {
		t.Run(fault.Name, func(t *testing.T) {
			var feature strings.Builder
			feature.WriteString(preamble)
			for subject, scenario := range subjects() {
				feature.WriteString("\n  Scenario: " + string(subject) + scenario + "\n")
			}
			environment := newLoopback(t, fault).environment(t)
			failed := map[proxytest.Subject]bool{}
			for _, scenario := range runFeature(t, environment, feature.String()).Features[0].Scenarios {
				failed[proxytest.Subject(scenario.Name)] = scenario.Status() != results.Passed
				if step := scenario.FailedStep(); step != nil {
					t.Logf("%s: %s", scenario.Name, step.Failure.Message)
				}
			}
			for subject := range subjects() {
				if failed[subject] != (subject == fault.Breaks) {
					t.Errorf("%s: failed is %v", subject, failed[subject])
				}
			}
		})
	}
}

// runFeature runs a feature file's text.
func runFeature(t *testing.T, environment *steps.Environment, content string) results.Run {
	t.Helper()
	recorded, _ := runFeatureIn(t.Context(), t, environment, content)
	return recorded
}

// runFeatureIn runs it until ctx ends. It returns the results and the run.
func runFeatureIn(ctx context.Context, t *testing.T, environment *steps.Environment, content string) (results.Run, *definitions.Run) {
	t.Helper()
	const name = "the.feature"
	options := &godog.Options{
		Strict: true, Output: io.Discard, DefaultContext: ctx,
		FeatureContents: []godog.Feature{{Name: name, Contents: []byte(content)}},
	}
	record := recorder.New(t.Name())
	features, err := godog.TestSuite{Options: &godog.Options{FS: oneFile(name, content), Paths: []string{name}}}.RetrieveFeatures()
	if err != nil {
		t.Fatal(err)
	}
	run, err := definitions.NewRun(environment, map[string]int{name: len(features[0].Pickles)})
	if err != nil {
		t.Fatal(err)
	}
	options.Format = record.Register(t.Name())
	godog.TestSuite{Options: options, ScenarioInitializer: func(scenario *godog.ScenarioContext) {
		run.Initialize(scenario)
		record.Observe(scenario)
	}}.Run()
	recorded := record.Run()
	if len(recorded.Features) != 1 || slices.ContainsFunc(recorded.Features[0].Scenarios, func(s results.Scenario) bool { return s.Status() == results.NotRun }) {
		t.Fatalf("not all scenarios ran: %+v", recorded)
	}
	return recorded, run
}

func oneFile(name, content string) fs.FS { return fstest.MapFS{name: {Data: []byte(content)}} }
