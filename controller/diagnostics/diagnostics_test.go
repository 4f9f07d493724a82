package diagnostics_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/diagnostics"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

func TestReadiness(t *testing.T) {
	readiness := diagnostics.NewReadiness()
	handler := diagnostics.Handler(readiness, prometheus.NewRegistry())
	expect := func(path string, want int) {
		t.Helper()
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		if recorder.Code != want {
			t.Errorf("%s: %d %s, want %d", path, recorder.Code, recorder.Body, want)
		}
	}
	expect("/readyz", http.StatusServiceUnavailable)
	expect("/healthz", http.StatusOK)
	readiness.Observe(controller.Outcome{})
	readiness.Observe(controller.Outcome{})
	<-readiness.Served()
	expect("/readyz", http.StatusOK)
	readiness.Stop()
	expect("/readyz", http.StatusServiceUnavailable)
	expect("/healthz", http.StatusOK)
	expect("/metrics", http.StatusOK)
	expect("/table", http.StatusNotFound)
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := diagnostics.NewMetrics(registry)
	handler := diagnostics.Handler(diagnostics.NewReadiness(), registry)
	scrape := func() string {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return recorder.Body.String()
	}
	expect := func(lines ...string) {
		t.Helper()
		got := strings.Split(scrape(), "\n")
		for _, line := range lines {
			if !slices.Contains(got, "testbed_controller_"+line) {
				t.Errorf("no line %q in\n%s", line, strings.Join(got, "\n"))
			}
		}
	}
	outcome := controller.Outcome{Applied: true, Result: translate.Result{
		Served: map[types.NamespacedName]bool{{Name: "a"}: true, {Name: "b"}: true},
		Problems: []problem.Problem{
			{Severity: problem.Error, Reason: problem.Conflict, Message: "one"},
			{Severity: problem.Error, Reason: problem.Conflict, Message: "two"},
			{Severity: problem.Notice, Reason: problem.NoEndpoints},
		},
	}}
	metrics.Observe(outcome)
	metrics.SetLeader(true)
	metrics.CountAdmission(true)
	metrics.CountAdmission(false)
	expect(
		`admission_reviews_total{allowed="false"} 1`, `admission_reviews_total{allowed="true"} 1`,
		`config_last_reload_successful 1`, `config_refused_parts 0`, `tables_total 1`, `ingresses 2`,
		`leader_election_status 1`, `round_duration_seconds_count 1`,
		`problems{reason="Conflict",severity="error"} 2`, `problems{reason="NoEndpoints",severity="notice"} 1`,
	)

	outcome.Problems, outcome.Refused = nil, []error{errors.New("a bad certificate")}
	metrics.Observe(outcome)
	metrics.SetLeader(false)
	expect(`config_last_reload_successful 0`, `config_refused_parts 1`, `tables_total 2`, `leader_election_status 0`)
	if strings.Contains(scrape(), "testbed_controller_problems{") {
		t.Error("problems that are solved are still counted")
	}
}
