package loads_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/loads"
	"github.com/ingress-testbed/testbed/reports/results"
)

func run(pieces ...evidence.Evidence) *results.Run {
	return &results.Run{Features: []results.Feature{{URI: "load.feature", Name: "Load", Scenarios: []results.Scenario{
		{Name: "no load"}, {Name: "a load", Steps: []results.Step{{Status: results.Passed}, {Status: results.Passed, Evidence: pieces}}},
	}}}}
}

// The same scenario of two runs is one with two load runs.
func TestRunsAreSideBySide(t *testing.T) {
	small := evidence.Load{
		Requests: 10, Failed: 2, Duration: 2 * time.Second, Bottleneck: "The client was the bottleneck.",
		Quantiles: []evidence.LoadQuantile{{Quantile: 0.5, Latency: 1500 * time.Microsecond}, {Quantile: 0.99, Latency: 250 * time.Millisecond}, {Quantile: 1, Latency: 3 * time.Second}},
	}
	scenarios := loads.Of([]loads.Source{
		{Label: "one", Results: run(evidence.Text{}, example.Load(time.Time{}))}, {Label: "none"}, {Label: "empty", Results: run()},
		{Label: "two", Results: run(small)},
	})
	want := [][]string{
		{"Load run", "Run", "Requests", "A second", "Failed", "50 %", "90 %", "99 %", "Slowest", "Sent late", "CPU", "Memory"},
		{"a load", "one", "3000", "500", "1", "1.1 ms", "2.3 ms", "7.1 ms", "41.2 ms", "900 µs", "0.24", "43 MiB"},
		{"a load", "two", "10", "5", "2", "1.5 ms", "0 µs", "250 ms", "3.00 s", "0 µs", "?", "?"},
	}
	if diff := cmp.Diff(want, loads.Rows(scenarios, true)); diff != "" {
		t.Error(diff)
	}
	if got := loads.Rows(scenarios, false)[1][1]; got != "3000" {
		t.Errorf("without labels, the second cell is %q", got)
	}
	if diff := cmp.Diff([]string{"a load: The client was the bottleneck."}, loads.Bottlenecks(scenarios)); diff != "" {
		t.Error(diff)
	}
}
