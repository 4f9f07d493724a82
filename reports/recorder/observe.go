package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// observation is what hooks receive about a step and godog's formatters don't.
type observation struct {
	started, ended time.Time
	err            error               // the step's own, the reason of a skip included
	early          []evidence.Evidence // attached by hooks before the step
}

// duration is the step's own time if it was observed. Otherwise it is what passed since the step before ended, hooks
// included.
func (o observation) duration(s *step, finished time.Time) time.Duration {
	if !o.started.IsZero() && !o.ended.Before(o.started) {
		return o.ended.Sub(o.started)
	}
	before := s.scenario.model.Started
	if s.scenario.finished.After(before) {
		before = s.scenario.finished
	}
	if before.IsZero() || finished.Before(before) {
		return 0
	}
	return finished.Sub(before)
}

// ObserveStart adds a hook that sees when a scenario begins, without the time that hooks before it have waited. It has to be
// called before hooks whose time is the scenario's own.
func (r *Recorder) ObserveStart(sc *godog.ScenarioContext) {
	sc.Before(func(ctx context.Context, sc *godog.Scenario) (context.Context, error) {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if s := r.scenarios[sc.Id]; s != nil {
			s.model.Started = r.now()
		}
		return ctx, nil
	})
}

// Observe adds hooks that record what godog doesn't report to formatters: the reasons of skips, failures of hooks behind a
// skipped step, the time of a step without its hooks, and, for listeners, which step runs now. It has to be called
// after all other hooks were added, so that it sees what they return.
func (r *Recorder) Observe(sc *godog.ScenarioContext) {
	sc.StepContext().Before(func(ctx context.Context, st *godog.Step) (context.Context, error) {
		r.stepStarts(st.Id, godog.Attachments(ctx))
		return ctx, nil
	})
	sc.StepContext().After(
		func(ctx context.Context, st *godog.Step, _ godog.StepResultStatus, err error) (context.Context, error) {
			r.stepEnds(st.Id, err)
			return ctx, nil
		})
	sc.After(func(ctx context.Context, sc *godog.Scenario, err error) (context.Context, error) {
		r.scenarioEnds(sc, err)
		return ctx, nil
	})
}

func (r *Recorder) stepStarts(id string, attached []godog.Attachment) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s := r.steps[id] // steps called by other steps have no ID
	if s == nil {
		return
	}
	s.observed.started = r.now()
	for _, a := range attached {
		s.observed.early = append(s.observed.early, evidence.Parse(a))
	}
	for _, before := range s.scenario.steps {
		if before == s {
			break
		}
		if before.observed.err != nil {
			return // godog goes through the steps behind a failed one without running them
		}
	}
	for _, listener := range r.listeners {
		listener.StepStarted(s.scenario.event(), s.model)
	}
}

func (r *Recorder) stepEnds(id string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if s := r.steps[id]; s != nil {
		s.observed.ended, s.observed.err = r.now(), err
	}
}

// scenarioEnds keeps an error that hooks at the end have added to a skipped scenario, which godog reports nowhere.
func (r *Recorder) scenarioEnds(sc *godog.Scenario, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s := r.scenarios[sc.Id]
	if s == nil || len(s.steps) == 0 {
		return
	}
	s.ended = true
	if err != nil && s.skips() && !s.isStepError(err) {
		s.hookErr = fmt.Errorf("after the scenario: %w", err)
	}
	// Without concurrency, godog has reported a last step that it passed over before it runs these hooks.
	if s.steps[len(s.steps)-1].model.Status != results.NotRun {
		r.settle(s)
	}
}

// isStepError reports whether an error is that of a step alone. Texts are compared, as errors need not be comparable.
func (s *scenario) isStepError(err error) bool {
	for _, step := range s.steps {
		if step.observed.err != nil && step.observed.err.Error() == err.Error() {
			return true
		}
	}
	return false
}

// skips reports whether one of the steps has skipped the rest of the scenario.
func (s *scenario) skips() bool {
	for _, step := range s.steps {
		if errors.Is(step.observed.err, godog.ErrSkip) {
			return true
		}
	}
	return false
}
