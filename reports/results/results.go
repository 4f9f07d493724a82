// Package results is the model of a test run from which all reports are written: features with scenarios with steps, the
// outcome of each, and the evidence that steps attached. It depends neither on godog nor on an output format.
package results

import (
	"cmp"
	"fmt"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
)

// Status is the outcome of a step or a scenario.
type Status string

// The statuses. Undefined, Pending and Ambiguous steps have no usable definition, which is a failure like any other.
const (
	Passed    Status = "passed"
	Failed    Status = "failed"
	Skipped   Status = "skipped"
	Undefined Status = "undefined"
	Pending   Status = "pending"
	Ambiguous Status = "ambiguous"
	NotRun    Status = "not run"
)

// Failing reports whether the status makes a scenario fail.
func (s Status) Failing() bool {
	return s == Failed || s == Undefined || s == Pending || s == Ambiguous
}

// Run is one run of selected scenarios.
type Run struct {
	Title string
	// Started is when the run began. Finished is zero while it is going on.
	Started, Finished time.Time
	// Error says why the run ended early or never began, such as an interrupt or a cluster that didn't start.
	Error       string
	Environment []Property
	// Features hold all selected scenarios, those that did not run included.
	Features []Feature
}

// Property is one thing worth knowing about where the run took place, such as the Kubernetes version.
type Property struct {
	Name, Value string
}

// Duration is the time the run took, or zero if it has not ended.
func (r *Run) Duration() time.Duration {
	if r.Finished.Before(r.Started) {
		return 0
	}
	return r.Finished.Sub(r.Started)
}

// Feature is a feature file with its selected scenarios.
type Feature struct {
	URI         string // path of the file
	Keyword     string // "Feature", in the file's language
	Name        string
	Description string
	Tags        []string
	Line        int
	Scenarios   []Scenario
}

// Scenario is a scenario, or one example of a scenario outline.
type Scenario struct {
	Keyword     string
	Name        string
	Description string
	Rule        string // name of the rule it is under, if any
	Tags        []string
	Line        int // of the example's row, for outlines
	// Example has the values of the example's row, by the names of its columns.
	Example []Property
	Started time.Time
	// Duration includes hooks: the time that making and removing namespaces takes, for one.
	Duration time.Duration
	Steps    []Step
	// Error is a failure that belongs to no step, such as that of a hook at the end.
	Error string
}

// Step is one step of a scenario.
type Step struct {
	Keyword    string // "Given", "And", …
	Text       string
	Line       int
	Background bool
	DocString  string
	Table      [][]string
	Status     Status
	Duration   time.Duration
	// Failure is set for failing steps, and SkipReason may be for a step that skipped.
	Failure    *Failure
	SkipReason string
	Evidence   []evidence.Evidence
}

// Failure says why a step failed. Only Message is always set.
type Failure struct {
	// Message is the error's whole text.
	Message string
	// Expected, Seen, Cause and Look are its parts, where the step gave an evidence.Failure, and Context is what was
	// put around that.
	Expected, Seen, Cause, Context string
	Look                           []string
	// Others are the deviations of the step beside the first, such as those of other rows of its table.
	Others []Deviation
	// Effect is the gravest of the deviations.
	Effect effect.Effect
	// Key is the text that the same failure has in other runs; empty if that is Message.
	Key string
}

// Deviation is one of several that a step has observed. A deviation that the step didn't expect has no Expected.
type Deviation struct {
	Context, Expected, Seen string
}

// Summary is the failure in one phrase: what was expected and seen, if the step said that, or else the message.
func (f *Failure) Summary() string {
	if f.Seen == "" {
		return f.Message
	}
	summary := "expected " + f.Expected + ", seen " + f.Seen
	if len(f.Others) > 0 {
		summary += fmt.Sprintf(" (and %d more)", len(f.Others))
	}
	return summary
}

// Identity is the same text for the same failure in several runs.
func (f *Failure) Identity() string { return cmp.Or(f.Key, f.Message) }

// Status is failing if any step is or if there is a problem, NotRun if it didn't come to its end, Skipped if a step
// was left out, and Passed otherwise. A scenario without steps proves nothing and is Undefined.
func (s *Scenario) Status() Status {
	unfinished, skipped := false, false
	for i := range s.Steps {
		switch status := s.Steps[i].Status; {
		case status.Failing():
			return status
		case status == Skipped:
			skipped = true
		case status != Passed:
			unfinished = true
		}
	}
	switch {
	case s.Error != "":
		return Failed
	case unfinished:
		return NotRun
	case len(s.Steps) == 0:
		if s.Started.IsZero() {
			return NotRun
		}
		return Undefined
	case skipped:
		return Skipped
	}
	return Passed
}

// FailedStep is the first failing step, or nil.
func (s *Scenario) FailedStep() *Step {
	for i := range s.Steps {
		if s.Steps[i].Status.Failing() {
			return &s.Steps[i]
		}
	}
	return nil
}

// Failures are all failures of the scenario in the order in which they happened: those of its steps, and last the one
// that belongs to no step.
func (s *Scenario) Failures() []Failure {
	var failures []Failure
	for i := range s.Steps {
		if step := &s.Steps[i]; step.Status.Failing() && step.Failure != nil {
			failures = append(failures, *step.Failure)
		}
	}
	if s.Error != "" {
		failures = append(failures, Failure{Message: s.Error})
	}
	return failures
}

// Effect is the gravest effect of the scenario's failures.
func (s *Scenario) Effect() effect.Effect {
	gravest := effect.None
	for _, failure := range s.Failures() {
		gravest = max(gravest, failure.Effect)
	}
	return gravest
}

// SkipReason is why the scenario was skipped, or "no reason given". It is empty for scenarios of other statuses.
func (s *Scenario) SkipReason() string {
	if s.Status() != Skipped {
		return ""
	}
	for i := range s.Steps {
		if reason := s.Steps[i].SkipReason; reason != "" {
			return reason
		}
	}
	return "no reason given"
}

// FullName is the scenario's name with the values of its example.
func (s *Scenario) FullName() string {
	name := s.Name
	if name == "" {
		name = s.Keyword
	}
	if len(s.Example) == 0 {
		return name
	}
	values := ""
	for _, value := range s.Example {
		if values != "" {
			values += ", "
		}
		values += value.Name + "=" + value.Value
	}
	return name + " [" + values + "]"
}
