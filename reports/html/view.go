package html

import (
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/profiles"
	"github.com/ingress-testbed/testbed/reports/results"
)

// view is what the template sees: everything is worded, measured and cleaned, so that the template has no logic.
type view struct {
	Style       template.CSS
	Title       string
	Passed      bool
	Verdict     string
	Reason      string
	Counts      []theme.Count
	Started     string
	StartedISO  string
	Duration    string
	Environment []results.Property
	Profiles    []profileView
	Effects     []effectView // of failures
	Features    []featureView
}

// profileView is a row of the table of profiles.
type profileView struct {
	Name, Title string
	Core        []theme.Count
	// Supported, Unsupported and Untested are annotations.
	Supported, Unsupported, Untested []string
}

type featureView struct {
	ID, Keyword, Name, URI, Description string
	Tags                                []string
	Counts                              []theme.Count
	Duration                            string
	Scenarios                           []*scenarioView
}

type scenarioView struct {
	ID, Class, Mark, Outcome    string
	Keyword, Name, Place        string
	Description, Rule, Duration string
	Example                     []results.Property
	Tags                        []string
	Note                        string // reason of a skip, or a problem that belongs to no step
	FailedStep, FailedSummary   string
	Effect                      effect.Effect // of the failure
	Open                        bool
	Shows                       []string // kinds of evidence that are to be seen when it is opened
	// Background has the steps of the background if all of them passed: they are folded up then.
	Background, Steps  []stepView
	BackgroundDuration string
}

type stepView struct {
	Class, Mark, Outcome string
	Keyword, Text        string
	InBackground         bool
	Duration             string
	DocString            *textView
	Table                [][]string
	SkipReason           string
	Failure              *results.Failure
	Evidence             []evidenceView
}

func newView(run *results.Run) *view {
	verdict := run.Verdict()
	v := &view{
		Title: plaintext.Line(run.Title), Passed: verdict.Passed, Verdict: "Not passed", Reason: plaintext.Clean(verdict.Reason),
		Counts: theme.Counts(verdict.Counts), Duration: plaintext.Duration(run.Duration()),
	}
	if v.Title == "" {
		v.Title = "Test run"
	}
	switch {
	case v.Passed:
		v.Verdict = "Passed"
	case verdict.Counts.Failed > 0:
		v.Verdict = "Failed"
	}
	if !run.Started.IsZero() {
		v.Started = run.Started.Format("2 January 2006, 15:04:05 MST")
		v.StartedISO = run.Started.Format(time.RFC3339)
	}
	for _, property := range run.Environment {
		v.Environment = append(v.Environment, clean(property))
	}
	for _, profile := range profiles.Of(run) {
		v.Profiles = append(v.Profiles, newProfile(&profile))
	}
	var failed []*scenarioView
	for i := range run.Features {
		feature := newFeature(i, &run.Features[i])
		for _, s := range feature.Scenarios {
			if s.Class == "failed" {
				failed = append(failed, s)
			}
		}
		v.Features = append(v.Features, feature)
	}
	v.Effects = byEffect(failed)
	return v
}

func newProfile(profile *profiles.Profile) profileView {
	v := profileView{Name: string(profile.Name), Title: profile.Name.Title(), Core: theme.Counts(profile.Core.Counts)}
	for i := range profile.Features {
		feature := &profile.Features[i]
		name := plaintext.Line(feature.Name)
		switch feature.Outcome() {
		case results.Passed:
			v.Supported = append(v.Supported, name)
		case results.Failed:
			v.Unsupported = append(v.Unsupported, name)
		default:
			v.Untested = append(v.Untested, name)
		}
	}
	return v
}

func newFeature(number int, feature *results.Feature) featureView {
	v := featureView{
		ID: fmt.Sprintf("feature-%d", number+1), Keyword: feature.Keyword, Name: plaintext.Line(feature.Name),
		URI: plaintext.Line(feature.URI), Description: prose(feature.Description), Tags: feature.Tags,
		Counts: theme.Counts(feature.Count()),
	}
	var total time.Duration
	for i := range feature.Scenarios {
		s := newScenario(fmt.Sprintf("scenario-%d-%d", number+1, i+1), feature, &feature.Scenarios[i])
		total += feature.Scenarios[i].Duration
		v.Scenarios = append(v.Scenarios, s)
	}
	v.Duration = plaintext.Duration(total)
	return v
}

func newScenario(id string, feature *results.Feature, scenario *results.Scenario) *scenarioView {
	status := scenario.Status()
	v := &scenarioView{
		ID: id, Class: theme.Class(status), Mark: theme.Mark(status), Outcome: string(status),
		Keyword: scenario.Keyword, Name: plaintext.Line(scenario.Name),
		Place: fmt.Sprintf("%s:%d", plaintext.Line(feature.URI), scenario.Line), Rule: plaintext.Line(scenario.Rule),
		Description: prose(scenario.Description), Duration: plaintext.Duration(scenario.Duration), Tags: scenario.Tags,
		Note: plaintext.Clean(scenario.Error), Open: status.Failing(), Effect: scenario.Effect(),
	}
	if v.Name == "" {
		v.Name = v.Keyword
	}
	for _, value := range scenario.Example {
		v.Example = append(v.Example, clean(value))
	}
	if reason := scenario.SkipReason(); reason != "" {
		v.Note = "Skipped: " + plaintext.Clean(reason)
	}
	if status == results.NotRun && !scenario.Started.IsZero() {
		v.Note = "did not come to its end"
	}
	if step := scenario.FailedStep(); step != nil {
		v.FailedStep = plaintext.Line(step.Keyword + " " + step.Text)
		if step.Failure != nil {
			v.FailedSummary = summary(step.Failure)
		}
	}
	for i := range scenario.Steps {
		step := newStep(&scenario.Steps[i])
		v.Steps = append(v.Steps, step)
		for _, e := range step.Evidence {
			if kind := e.kind(); !slices.Contains(v.Shows, kind) {
				v.Shows = append(v.Shows, kind)
			}
		}
	}
	v.foldBackground(scenario)
	return v
}

func (v *scenarioView) foldBackground(scenario *results.Scenario) {
	count, took := 0, time.Duration(0)
	for i := range scenario.Steps {
		if !scenario.Steps[i].Background {
			break
		}
		if scenario.Steps[i].Status != results.Passed {
			return
		}
		count++
		took += scenario.Steps[i].Duration
	}
	v.Background, v.Steps = v.Steps[:count], v.Steps[count:]
	v.BackgroundDuration = plaintext.Duration(took)
}

func newStep(step *results.Step) stepView {
	v := stepView{
		Class: theme.Class(step.Status), Mark: theme.Mark(step.Status), Outcome: string(step.Status),
		Keyword: step.Keyword, Text: plaintext.Line(step.Text), InBackground: step.Background,
		SkipReason: plaintext.Clean(step.SkipReason),
	}
	if step.DocString != "" {
		v.DocString = newText(evidence.Text{Title: "Text of the step", Body: step.DocString}, true)
	}
	if step.Status != results.Skipped && step.Status != results.NotRun {
		v.Duration = plaintext.Duration(step.Duration)
	}
	for _, row := range step.Table {
		var cells []string
		for _, cell := range row {
			cells = append(cells, plaintext.Clean(cell))
		}
		v.Table = append(v.Table, cells)
	}
	if step.Failure != nil {
		v.Failure = cleanFailure(step.Failure)
	}
	for _, e := range step.Evidence {
		v.Evidence = append(v.Evidence, newEvidence(e, step))
	}
	return v
}

func clean(property results.Property) results.Property {
	return results.Property{Name: plaintext.Line(property.Name), Value: plaintext.Clean(property.Value)}
}
