package matrix

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/plot"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/loads"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

//go:embed matrix.gohtml
var page string

//go:embed matrix.css
var style string

// WritePage writes one self-contained page: no script, and nothing that is loaded from elsewhere. It links to the runs'
// own pages.
func (m *Matrix) WritePage(w io.Writer) error {
	parsed, err := template.New("matrix").Parse(page + plot.Template)
	if err != nil {
		return fmt.Errorf("parsing the page's template: %w", err)
	}
	if err := parsed.Execute(w, m.view()); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	return nil
}

// view is what the template sees.
type view struct {
	Style         template.CSS
	Title, Reason string
	Passed        bool
	Counts        []theme.Count // of runs
	Size          string
	Runs          []runView
	Features      []featureView
	Comparable    bool
	Reference     string // label, or ""
	Effects       []effectView
	Groups        []findingGroup
	Expected      []findingView
	Different     []differenceView
	LoadColumns   []string
	Loads         []loadView
}

// effectView is a row of the table of effects.
type effectView struct {
	Name, Meaning, Class, Anchor string
	Scenarios                    int
	ByRun                        []int
}

// findingGroup is the findings with one effect.
type findingGroup struct {
	effectView
	Findings []findingView
}

type findingView struct {
	Class, Mark, Status, Message string
	All                          bool // it was found in all runs
	Runs                         []outcomeView
	Others                       []groupView
	Scenarios                    []differenceView // without groups
	Omitted                      int
}

// loadView is a scenario with load runs.
type loadView struct {
	Feature, Name string
	Runs          []loadRunView
	Spectrum      *plot.View // nil with fewer than two runs
}

type loadRunView struct {
	Label, Class, Mark, Status, Bottleneck string
	Cells                                  []string
}

type runView struct {
	Reference                                           bool
	Label, Page, Class, Mark, Outcome, Reason, Duration string
	Properties                                          []results.Property
}

type featureView struct {
	Name, File string
	Open       bool
	Cells      []cellView
	Scenarios  []scenarioView
}

type cellView struct {
	Link   string
	Counts []theme.Count
	// Missing says why there are no counts.
	Missing string
}

type scenarioView struct {
	Name     string
	Outcomes []outcomeView
}

type outcomeView struct {
	Label, Link, Class, Mark, Status, Message string
	// Missing says why there is no status.
	Missing string
}

type differenceView struct {
	Feature, Name string
	Link          string // to the scenario in the first run that is concerned
	Groups        []groupView
}

type groupView struct {
	outcomeView
	Runs []outcomeView
}

func (m *Matrix) view() *view {
	v := &view{
		Style: theme.Style() + theme.EffectStyle() + template.CSS(style), Title: m.Title, Passed: m.Passed(), Reason: m.Reason(), Comparable: len(m.Runs) > 1,
	}
	if v.Title == "" {
		v.Title = "Test runs"
	}
	passed := 0
	for i := range m.Runs {
		run := newRun(&m.Runs[i])
		run.Reference = i == m.reference
		v.Runs = append(v.Runs, run)
		if m.Runs[i].Passed() {
			passed++
		}
	}
	v.Counts = theme.Counts(results.Counts{Passed: passed})
	if others := len(m.Runs) - passed; others > 0 {
		v.Counts = append(v.Counts, theme.Count{Class: "failed", Name: "not passed", Count: others})
	}
	scenarios := 0
	for i := range m.Features {
		v.Features = append(v.Features, m.columns().feature(&m.Features[i]))
		scenarios += len(m.Features[i].Scenarios)
	}
	v.Size = number(len(m.Features), "feature") + ", " + number(scenarios, "scenario") + ", " + number(len(m.Runs), "run")
	for _, d := range m.Differences() {
		v.Different = append(v.Different, m.columns().difference(d))
	}
	m.addFindings(v)
	v.LoadColumns = loads.Columns()
	for i := range m.Loads {
		v.Loads = append(v.Loads, newLoad(&m.Loads[i]))
	}
	return v
}

func newLoad(scenario *loads.Scenario) loadView {
	v := loadView{Feature: scenario.Feature, Name: scenario.Name}
	var labels []string
	var drawn []*evidence.Load
	for i := range scenario.Runs {
		run := &scenario.Runs[i]
		v.Runs = append(v.Runs, loadRunView{
			Label: run.Label, Class: theme.Class(run.Status), Mark: theme.Mark(run.Status), Status: string(run.Status),
			Bottleneck: plaintext.Line(run.Load.Bottleneck), Cells: run.Cells(),
		})
		labels, drawn = append(labels, run.Label), append(drawn, &run.Load)
	}
	if len(drawn) > 1 {
		v.Spectrum = plot.Comparison(labels, drawn)
	}
	return v
}

func number(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func newRun(r *Run) runView {
	v := runView{Label: r.Label, Page: r.Page, Class: "failed", Mark: "✗", Outcome: r.Outcome(), Reason: r.Reason()}
	if r.Passed() {
		v.Class, v.Mark = "passed", "✓"
	}
	if r.Results != nil {
		v.Duration = plaintext.Duration(r.Results.Duration())
		for _, property := range r.Results.Environment {
			v.Properties = append(v.Properties, results.Property{Name: plaintext.Line(property.Name), Value: plaintext.Clean(property.Value)})
		}
	}
	return v
}

func (c columns) feature(f *Feature) featureView {
	v := featureView{Name: f.Name, File: f.File}
	for run := range c {
		cell := cellView{Counts: theme.Counts(f.Counts[run]), Missing: c.missing(run)}
		if c[run].Page != "" && f.Numbers[run] > 0 {
			cell.Link = fmt.Sprintf("%s#feature-%d", c[run].Page, f.Numbers[run])
		}
		v.Open = v.Open || f.Counts[run].Failed > 0
		v.Cells = append(v.Cells, cell)
	}
	for i := range f.Scenarios {
		s := scenarioView{Name: f.Scenarios[i].Name}
		for run := range c {
			s.Outcomes = append(s.Outcomes, c.outcome(f, &f.Scenarios[i], run))
		}
		v.Scenarios = append(v.Scenarios, s)
	}
	return v
}

// outcome of a scenario in a run; the link leads to it on the run's page, whose IDs are numbers.
func (c columns) outcome(f *Feature, s *Scenario, run int) outcomeView {
	o := s.Outcomes[run]
	v := worded(o.Status, o.Message)
	v.Label = c[run].Label
	if o.Status == Absent {
		v.Missing = c.missing(run)
	}
	if c[run].Page != "" && o.Number > 0 {
		v.Link = fmt.Sprintf("%s#scenario-%d-%d", c[run].Page, f.Numbers[run], o.Number)
	}
	return v
}

func (c columns) missing(run int) string {
	if c[run].Results == nil {
		return "no results"
	}
	return string(Absent)
}

func worded(status results.Status, message string) outcomeView {
	return outcomeView{Class: theme.Class(status), Mark: theme.Mark(status), Status: string(status), Message: message}
}
