package definitions_test

import (
	"context"
	"net"
	"testing"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
)

// interrupting is a cluster whose client interrupts the run when it connects to a certain address.
type interrupting struct {
	*loopback
	interrupt context.CancelFunc
}

func (i interrupting) Client() clusters.Client { return i }

func (i interrupting) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if address != workerAddress+":1" {
		return i.loopback.DialContext(ctx, network, address)
	}
	i.interrupt()
	<-ctx.Done()
	return nil, ctx.Err()
}

// The failures of an interrupted scenario prove nothing about the controller.
func TestInterruptedScenariosAreSkipped(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	l := newLoopback(t, proxytest.Mutation{})
	environment := l.environment(t)
	environment.Cluster = interrupting{l, interrupt}
	run, _ := runFeatureIn(ctx, t, environment, preamble+`
  Scenario: before
    When the client requests "http://paths.test:30080/"
    Then the response status is 200

  Scenario: fails before
    When the client requests "http://paths.test:30080/"
    Then the response status is 404

  Scenario: during
    When the client requests "http://192.0.2.11:1/"
    Then the response status is 200

  Scenario: after
    When the client requests "http://paths.test:30080/"
    Then the response status is 200
`)
	want := map[string]results.Status{
		"before": results.Passed, "fails before": results.Failed, "during": results.Skipped, "after": results.Skipped,
	}
	for _, scenario := range run.Features[0].Scenarios {
		if status := scenario.Status(); status != want[scenario.Name] {
			t.Errorf("%s: %s, want %s: %+v", scenario.Name, status, want[scenario.Name], scenario.FailedStep())
		}
		if scenario.Status() == results.Skipped && scenario.SkipReason() != "the run was interrupted" {
			t.Errorf("%s: the reason is %q", scenario.Name, scenario.SkipReason())
		}
	}
}
