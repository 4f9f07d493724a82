// Package loads lists the load runs of test runs, so that rates, or controllers under the same load, can be compared.
package loads

import (
	"fmt"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/plot"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Source is a test run.
type Source struct {
	// Label tells it from the others.
	Label string
	// Results are nil if the run left none.
	Results *results.Run
}

// Scenario is a scenario with load runs in at least one test run. Its texts are safe to show.
type Scenario struct {
	Feature, Name string
	Runs          []Run
}

// Run is one load run of the scenario.
type Run struct {
	Label  string // of the test run
	Status results.Status
	Load   evidence.Load
}

// Of lists the scenarios with load runs, in the order in which the sources name them, and for each its load runs by source.
func Of(sources []Source) []Scenario {
	type key struct{ file, name string }
	var all []Scenario
	index := map[key]int{}
	for _, source := range sources {
		if source.Results == nil {
			continue
		}
		for _, feature := range source.Results.Features {
			for _, scenario := range feature.Scenarios {
				runs := loadsOf(source.Label, &scenario)
				if len(runs) == 0 {
					continue
				}
				at, known := index[key{feature.URI, scenario.FullName()}]
				if !known {
					at = len(all)
					index[key{feature.URI, scenario.FullName()}] = at
					all = append(all, Scenario{Feature: plaintext.Line(feature.Name), Name: plaintext.Line(scenario.FullName())})
				}
				all[at].Runs = append(all[at].Runs, runs...)
			}
		}
	}
	return all
}

func loadsOf(label string, scenario *results.Scenario) []Run {
	var runs []Run
	for _, step := range scenario.Steps {
		for _, piece := range step.Evidence {
			if load, is := piece.(evidence.Load); is {
				runs = append(runs, Run{Label: label, Status: scenario.Status(), Load: load})
			}
		}
	}
	return runs
}

// Columns are the names of the cells of Run.Cells.
func Columns() []string {
	return []string{"Requests", "A second", "Failed", "50 %", "90 %", "99 %", "Slowest", "Sent late", "CPU", "Memory"}
}

// Cells are the figures of a load run: its requests, how many a second, how many failed, latencies, how late the client sent
// 1 % of them, and what the controller used: cores on average, memory at most.
func (r *Run) Cells() []string {
	l := &r.Load
	rate, cpu, used := "", "?", "?"
	if l.Duration > 0 {
		rate = fmt.Sprintf("%.0f", float64(l.Requests)/l.Duration.Seconds())
	}
	if cores, memory, known := l.Used(); known {
		cpu, used = fmt.Sprintf("%.2f", cores), fmt.Sprintf("%d MiB", memory>>20)
	}
	return []string{
		fmt.Sprint(l.Requests), rate, fmt.Sprint(l.Failed), plot.Latency(l.Latency(0.5)), plot.Latency(l.Latency(0.9)), plot.Latency(l.Latency(0.99)),
		plot.Latency(l.Latency(1)), plot.Latency(l.Lag.P99), cpu, used,
	}
}

// Rows are a table for a terminal; labelled says whether it has a column with the labels of the test runs.
func Rows(scenarios []Scenario, labelled bool) [][]string {
	head := []string{"Load run"}
	if labelled {
		head = append(head, "Run")
	}
	rows := [][]string{append(head, Columns()...)}
	for _, scenario := range scenarios {
		for i := range scenario.Runs {
			row := []string{scenario.Name}
			if labelled {
				row = append(row, scenario.Runs[i].Label)
			}
			rows = append(rows, append(row, scenario.Runs[i].Cells()...))
		}
	}
	return rows
}

// Bottlenecks says which load runs the client limited, a sentence for each.
func Bottlenecks(scenarios []Scenario) []string {
	var lines []string
	for _, scenario := range scenarios {
		for _, run := range scenario.Runs {
			if run.Load.Bottleneck != "" {
				lines = append(lines, scenario.Name+": "+plaintext.Line(run.Load.Bottleneck))
			}
		}
	}
	return lines
}
