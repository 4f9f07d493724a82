package recorder

import (
	"errors"
	"time"

	"github.com/cucumber/godog"
	"github.com/cucumber/godog/formatters"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// formatter is what godog calls. Its base gives access to godog's storage, the only place that has the attachments,
// the times, and the scenarios that are still to run. Concurrent scenarios report all at once when they end, so times
// are never taken here.
type formatter struct {
	*godog.BaseFmt
	recorder *Recorder
}

// TestRunStarted implements formatters.Formatter.
func (f *formatter) TestRunStarted() {
	r := f.recorder
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.features, r.scenarios, r.steps = nil, map[string]*scenario{}, map[string]*step{}
	for _, parsed := range f.Storage.MustGetFeatures() {
		r.add(parsed.GherkinDocument, parsed.Pickles)
	}
	counts := results.Counts{Total: len(r.scenarios), NotRun: len(r.scenarios)}
	for _, listener := range r.listeners {
		listener.RunStarted(counts)
	}
}

// Feature implements formatters.Formatter.
func (f *formatter) Feature(_ *messages.GherkinDocument, uri string, _ []byte) {
	r := f.recorder
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, known := range r.features {
		if known.model.URI == uri {
			known.order = r.order
			r.order++
		}
	}
}

// Pickle implements formatters.Formatter.
func (f *formatter) Pickle(pickle *messages.Pickle) {
	r := f.recorder
	started := f.Storage.MustGetPickleResult(pickle.Id).StartedAt
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if s := r.scenarios[pickle.Id]; s != nil {
		s.begun = true
		if s.model.Started.IsZero() { // not observed
			s.model.Started = started
		}
		if len(s.steps) == 0 {
			s.finished = started
			r.settle(s)
		}
	}
}

// Defined implements formatters.Formatter.
func (f *formatter) Defined(*messages.Pickle, *messages.PickleStep, *formatters.StepDefinition) {}

// Passed implements formatters.Formatter.
func (f *formatter) Passed(_ *messages.Pickle, step *messages.PickleStep, _ *formatters.StepDefinition) {
	f.record(step, results.Passed, nil)
}

// Failed implements formatters.Formatter.
func (f *formatter) Failed(_ *messages.Pickle, step *messages.PickleStep, _ *formatters.StepDefinition, err error) {
	f.record(step, results.Failed, err)
}

// Skipped implements formatters.Formatter.
func (f *formatter) Skipped(_ *messages.Pickle, step *messages.PickleStep, _ *formatters.StepDefinition) {
	f.record(step, results.Skipped, nil)
}

// Undefined implements formatters.Formatter.
func (f *formatter) Undefined(_ *messages.Pickle, step *messages.PickleStep, _ *formatters.StepDefinition) {
	f.record(step, results.Undefined, errors.New("no step definition matches this text"))
}

// Pending implements formatters.Formatter.
func (f *formatter) Pending(_ *messages.Pickle, step *messages.PickleStep, _ *formatters.StepDefinition) {
	f.record(step, results.Pending, errors.New("the step's definition says that it is still to be written"))
}

// Ambiguous implements formatters.Formatter.
func (f *formatter) Ambiguous(
	_ *messages.Pickle, step *messages.PickleStep, _ *formatters.StepDefinition, err error,
) {
	f.record(step, results.Ambiguous, err)
}

// Summary implements formatters.Formatter.
func (f *formatter) Summary() { f.recorder.Finish() }

func (f *formatter) record(pickleStep *messages.PickleStep, status results.Status, err error) {
	stored := f.Storage.MustGetPickleStepResult(pickleStep.Id)
	var attached []evidence.Evidence
	for _, a := range stored.Attachments {
		attached = append(attached,
			evidence.Parse(godog.Attachment{Body: a.Data, FileName: a.Name, MediaType: a.MimeType}))
	}
	r := f.recorder
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if s := r.steps[pickleStep.Id]; s != nil {
		r.record(s, status, err, attached, stored.FinishedAt)
	}
}

func (r *Recorder) record(
	s *step, status results.Status, err error, attached []evidence.Evidence, finished time.Time,
) {
	s.model.Status = status
	s.model.Duration = s.observed.duration(s, finished)
	s.model.Evidence = attached
	if len(attached) == 0 && status.Failing() {
		// godog loses what hooks attached before the step if one of them fails.
		s.model.Evidence = s.observed.early
	}
	switch {
	case status.Failing():
		s.model.Failure = failure(err)
	case status == results.Skipped:
		s.model.SkipReason = evidence.SkipReason(s.observed.err)
	}
	s.scenario.finished = finished
	observed := !s.observed.started.IsZero()
	if s == s.scenario.steps[len(s.scenario.steps)-1] && (s.scenario.ended || !observed) {
		r.settle(s.scenario)
	}
}

// settle completes a scenario that has run. godog reports nothing for the steps behind a failed one in some cases,
// nor the failure of a hook behind a skipped step.
func (r *Recorder) settle(s *scenario) {
	if !s.begun || s.settled {
		return
	}
	stopped := false
	for _, step := range s.steps {
		if step.model.Status == results.NotRun && stopped {
			step.model.Status = results.Skipped
		}
		stopped = stopped || step.model.Status.Failing() || step.model.Status == results.Skipped
	}
	snapshot := s.snapshot()
	if s.hookErr != nil && !snapshot.Status().Failing() {
		s.model.Error = s.hookErr.Error()
	}
	if len(s.steps) == 0 {
		s.model.Error = "the scenario has no steps, so it proves nothing"
	}
	if snapshot.Status() == results.NotRun {
		return // interrupted in the middle
	}
	s.settled = true
	if s.finished.After(s.model.Started) {
		s.model.Duration = s.finished.Sub(s.model.Started)
	}
	event := s.event()
	for _, listener := range r.listeners {
		listener.ScenarioFinished(event)
	}
}
