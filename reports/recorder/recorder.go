// Package recorder records a running godog suite in the model from which reports are written. Its use:
//
//	rec := recorder.New("Ingress conformance")
//	suite.Options.Format = rec.Register("testbed")
//	suite.ScenarioInitializer = func(sc *godog.ScenarioContext) { …; rec.Observe(sc) }
//	suite.Run()
//	run := rec.Run()
package recorder

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/reports/results"
)

// Listener receives the progress of a run. It is called by one goroutine at a time, and the values that it receives are not
// changed afterwards. Listeners must not call the recorder.
type Listener interface {
	RunStarted(results.Counts)
	// StepStarted needs Observe; without it, it is not called.
	StepStarted(ScenarioEvent, results.Step)
	ScenarioFinished(ScenarioEvent)
}

// ScenarioEvent is a scenario with the feature that it is of. The feature's own list of scenarios is left empty.
type ScenarioEvent struct {
	// Position of the scenario in the run, from 0: scenarios may run at the same time and end in another order.
	Position int
	Feature  results.Feature
	Scenario results.Scenario
}

// Recorder collects a run. It may be used from several goroutines, as godog does for concurrent scenarios.
type Recorder struct {
	now func() time.Time

	mutex     sync.Mutex
	run       results.Run
	features  []*feature
	scenarios map[string]*scenario // by the pickle's ID
	steps     map[string]*step     // by the pickle step's ID
	order     int                  // features begun so far
	listeners []Listener
}

// New makes a recorder for one run, which starts now: what it takes to get a cluster is part of the run.
func New(title string, listeners ...Listener) *Recorder {
	r := &Recorder{
		now:       time.Now,
		scenarios: map[string]*scenario{},
		steps:     map[string]*step{},
		listeners: listeners,
	}
	r.run = results.Run{Title: title, Started: r.now()}
	return r
}

// Register makes the recorder known to godog as a format and returns the format's name: the given one, with a number
// if another recorder has it already, as godog keeps formats for the whole process and takes the first of a name.
func (r *Recorder) Register(name string) string {
	unique := name
	for i := 2; godog.FindFmt(unique) != nil; i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	godog.Format(unique, "collects the run for reports", r.Formatter)
	return unique
}

// Formatter is a godog.FormatterFunc. It writes nothing by itself.
func (r *Recorder) Formatter(suite string, _ io.Writer) godog.Formatter {
	return &formatter{BaseFmt: godog.NewBaseFmt(suite, io.Discard), recorder: r}
}

// Announce names the scenarios that are going to run, so that reports show them as not run if the run ends before, for
// example because the cluster doesn't start. godog's own list replaces all that was announced once the suite starts.
// TestSuite.RetrieveFeatures gives the arguments.
func (r *Recorder) Announce(document *messages.GherkinDocument, pickles []*messages.Pickle) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.add(document, pickles)
}

func (r *Recorder) add(document *messages.GherkinDocument, pickles []*messages.Pickle) {
	planned, scenarios := plan(document, pickles)
	r.features = append(r.features, planned)
	for _, pickle := range pickles {
		s := scenarios[pickle.Id]
		s.position = len(r.scenarios)
		r.scenarios[pickle.Id] = s
		for i, pickleStep := range pickle.Steps {
			r.steps[pickleStep.Id] = s.steps[i]
		}
	}
}

// SetEnvironment sets the properties of the run's environment, replacing those that were set before.
func (r *Recorder) SetEnvironment(properties ...results.Property) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.run.Environment = slices.Clone(properties)
}

// Stop marks the run as one that ended early, for the reason. The first reason counts.
func (r *Recorder) Stop(reason string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.run.Error == "" {
		r.run.Error = reason
	}
}

// Finish marks the run's end. The end of godog's suite does so too; later calls move the end. A run that is
// interrupted is ended by Stop and Finish before reports are made of it.
func (r *Recorder) Finish() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.finish()
}

func (r *Recorder) finish() {
	for _, s := range r.scenarios {
		r.settle(s)
	}
	r.run.Finished = r.now()
}

// Run returns the current state of the run, also while it continues; scenarios that have not run are marked. Features are in the
// order in which they ran.
func (r *Recorder) Run() results.Run {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	run := r.run
	run.Environment = slices.Clone(r.run.Environment)
	features := slices.Clone(r.features)
	slices.SortStableFunc(features, func(a, b *feature) int { return a.order - b.order })
	for _, f := range features {
		copied := f.model
		copied.Scenarios = make([]results.Scenario, 0, len(f.scenarios))
		for _, s := range f.scenarios {
			copied.Scenarios = append(copied.Scenarios, s.snapshot())
		}
		run.Features = append(run.Features, copied)
	}
	return run
}

// feature, scenario and step are entries of the plan with what is known of them so far.
type feature struct {
	model     results.Feature // without scenarios
	scenarios []*scenario
	order     int // as begun; those not begun come last
}

type scenario struct {
	feature  *feature
	position int              // in the run
	model    results.Scenario // without steps
	steps    []*step
	begun    bool
	settled  bool
	ended    bool  // hooks at the end have run; stays false without Observe
	hookErr  error // of hooks at the end, if not reported with a step
	finished time.Time
}

type step struct {
	scenario *scenario
	model    results.Step
	observed observation
}

func (s *scenario) snapshot() results.Scenario {
	copied := s.model
	copied.Steps = make([]results.Step, 0, len(s.steps))
	for _, step := range s.steps {
		model := step.model
		model.Evidence = slices.Clone(step.model.Evidence)
		copied.Steps = append(copied.Steps, model)
	}
	return copied
}

func (s *scenario) event() ScenarioEvent {
	return ScenarioEvent{Position: s.position, Feature: s.feature.model, Scenario: s.snapshot()}
}
