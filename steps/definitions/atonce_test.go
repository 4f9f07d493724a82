package definitions_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
)

// TestRequestsAtOnceDoNotWaitForEachOther has a server that answers none before all have arrived.
func TestRequestsAtOnceDoNotWaitForEachOther(t *testing.T) {
	const all = 5
	arrived := make(chan struct{}, all)
	complete, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived <- struct{}{}; len(arrived) == all {
			cancel()
		}
		select {
		case <-complete.Done():
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
			w.WriteHeader(http.StatusGatewayTimeout)
		}
	}))
	defer server.Close()
	l := newLoopback(t, proxytest.Mutation{})
	l.addresses["192.0.2.99:80"] = server.Listener.Addr().String()
	run := runFeature(t, l.environment(t), `Feature: f
  Scenario: s
    When the client requests "http://192.0.2.99/" 5 times at once
    Then every response has the status 200
`)
	if scenario := run.Features[0].Scenarios[0]; scenario.Status() != results.Passed {
		t.Error(messageOf(scenario.FailedStep()))
	}
}
