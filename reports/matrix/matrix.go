// Package matrix compares runs of the same feature files on different clusters and versions of Kubernetes: a table of
// features by runs, and the scenarios whose outcome is not the same everywhere.
package matrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/loads"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Run is one of the runs, a column of the table.
type Run struct {
	// Label distinguishes the run.
	Label string
	// Results are nil if the run left none; Error says why, then.
	Results *results.Run
	Error   string
	// Page is the relative URL of the run's own page, or "".
	Page string
}

// Matrix is the outcome of each scenario in each run. Its texts are safe to show.
type Matrix struct {
	Title    string
	Runs     []Run
	Features []Feature
	// Loads are the scenarios with load runs.
	Loads []loads.Scenario

	reference int // the run that the others are compared with, from 0; -1 if there is none
}

// Refer makes a run the reference: failures that it has, too, are not held against the other runs. It is an error if no run
// has the label.
func (m *Matrix) Refer(label string) error {
	at := slices.IndexFunc(m.Runs, func(r Run) bool { return r.Label == label })
	if at < 0 {
		return fmt.Errorf("no run has the label %q: the labels are %s", label, strings.Join(m.columns().labels(m.columns().all()), ", "))
	}
	m.reference = at
	return nil
}

func (m *Matrix) columns() columns { return m.Runs }

// HasReference reports whether one of the runs is the reference.
func (m *Matrix) HasReference() bool { return m.reference >= 0 }

// Feature is a feature file, a row of the table. Features and scenarios are in the order in which the runs name them.
type Feature struct {
	File, Name string
	// Counts and Numbers are by run: how many scenarios of each outcome, none if the run doesn't have the feature, and
	// the feature's number on the run's page, from 1.
	Counts    []results.Counts
	Numbers   []int
	Scenarios []Scenario
}

// Scenario is a scenario of a feature, or one example of an outline.
type Scenario struct {
	Name     string
	Outcomes []Outcome // by run
}

// maxMessage bounds the text of one failure in bytes; the run's own page has all of it.
const maxMessage = 1 << 10

// Absent is the status of scenarios that a run doesn't have, as others were selected there.
const Absent results.Status = "not there"

// Outcome of a scenario in a run.
type Outcome struct {
	Status results.Status
	// Message says why it failed, a line for each failure, or why it was skipped.
	Message string
	// Effect is the gravest of its failures.
	Effect effect.Effect
	// Number is the scenario's in its feature on the run's page, from 1; 0 if it is absent.
	Number int

	identity string // equal for the same failure in several runs
}

// New compares runs. Features are the same if their files have the same path, and scenarios if they have the same name
// there, the example's values included.
func New(title string, runs []Run) *Matrix {
	m := &Matrix{Title: plaintext.Line(title), reference: -1}
	for _, run := range runs {
		run.Label, run.Error = plaintext.Line(run.Label), plaintext.Clean(run.Error)
		m.Runs = append(m.Runs, run)
	}
	b := builder{matrix: m, features: map[string]int{}, scenarios: map[scenarioKey]int{}}
	for i := range m.Runs {
		if m.Runs[i].Results != nil {
			b.add(i, m.Runs[i].Results)
		}
	}
	sources := make([]loads.Source, 0, len(m.Runs))
	for _, run := range m.Runs {
		sources = append(sources, loads.Source{Label: run.Label, Results: run.Results})
	}
	m.Loads = loads.Of(sources)
	return m
}

// builder finds the rows that are there already.
type builder struct {
	matrix    *Matrix
	features  map[string]int
	scenarios map[scenarioKey]int
}

type scenarioKey struct {
	feature int
	name    string
	// repeated counts those of the same name before it, which no file of ours has.
	repeated int
}

func (b *builder) add(run int, r *results.Run) {
	for i := range r.Features {
		row := b.row(&r.Features[i])
		f := &b.matrix.Features[row]
		f.Counts[run], f.Numbers[run] = r.Features[i].Count(), i+1
		seen := map[string]int{}
		for j := range r.Features[i].Scenarios {
			s := &r.Features[i].Scenarios[j]
			name := plaintext.Line(s.FullName())
			key := scenarioKey{feature: row, name: name, repeated: seen[name]}
			seen[name]++
			f.Scenarios[b.scenario(f, key)].Outcomes[run] = outcome(s, j+1)
		}
	}
}

// row is the place of a feature, which is made if it is new.
func (b *builder) row(f *results.Feature) int {
	file := plaintext.Line(f.URI)
	at, known := b.features[file]
	if !known {
		at = len(b.matrix.Features)
		b.features[file] = at
		name := plaintext.Line(f.Name)
		if name == "" {
			name = file
		}
		b.matrix.Features = append(b.matrix.Features, Feature{
			File: file, Name: name, Counts: make([]results.Counts, len(b.matrix.Runs)), Numbers: make([]int, len(b.matrix.Runs)),
		})
	}
	return at
}

func (b *builder) scenario(f *Feature, key scenarioKey) int {
	at, known := b.scenarios[key]
	if !known {
		at = len(f.Scenarios)
		b.scenarios[key] = at
		s := Scenario{Name: key.name}
		for range b.matrix.Runs {
			s.Outcomes = append(s.Outcomes, Outcome{Status: Absent})
		}
		f.Scenarios = append(f.Scenarios, s)
	}
	return at
}

func outcome(s *results.Scenario, number int) Outcome {
	o := Outcome{Status: s.Status(), Message: plaintext.Clean(s.SkipReason()), Number: number, Effect: s.Effect()}
	o.identity = o.Message
	if o.Status.Failing() {
		var lines, identities []string
		for _, failure := range s.Failures() {
			text := plaintext.Shorten(failure.Summary(), maxMessage, func(int) string { return " … " })
			lines = append(lines, plaintext.Line(text))
			identities = append(identities, failure.Identity())
		}
		o.Message, o.identity = strings.Join(lines, "\n"), strings.Join(identities, "\n")
	}
	return o
}

// Passed reports whether the run passed.
func (r *Run) Passed() bool { return r.Results != nil && r.Results.Verdict().Passed }

// Outcome is the outcome of the run in words: "passed", "failed", "did not finish", "ended early" or "not passed".
func (r *Run) Outcome() string {
	if r.Results == nil {
		return "did not finish"
	}
	switch verdict := r.Results.Verdict(); {
	case verdict.Passed:
		return "passed"
	case r.Results.Error != "":
		return "ended early"
	case verdict.Counts.Failed > 0:
		return "failed"
	}
	return "not passed"
}

// Reason says why the run isn't passed; it is empty if it is.
func (r *Run) Reason() string {
	if r.Results == nil {
		return r.Error
	}
	return plaintext.Clean(r.Results.Verdict().Reason)
}

// Passed reports whether every run passed, and there is one.
func (m *Matrix) Passed() bool { return len(m.Runs) > 0 && m.Reason() == "" }

// Reason says in one sentence which runs did not pass; it is empty if all did.
func (m *Matrix) Reason() string {
	var labels []string
	for i := range m.Runs {
		if !m.Runs[i].Passed() {
			labels = append(labels, m.Runs[i].Label)
		}
	}
	switch {
	case len(m.Runs) == 0:
		return "there are no runs"
	case len(labels) == 0:
		return ""
	case len(m.Runs) == 1:
		return "the only run did not pass: " + labels[0]
	}
	return fmt.Sprintf("%d of %d runs did not pass: %s", len(labels), len(m.Runs), strings.Join(labels, ", "))
}
