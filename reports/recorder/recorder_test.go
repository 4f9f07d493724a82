package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cucumber/godog"
	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
)

const statuses = `@feature-tag
Feature: Statuses
  What a step can end in.

  Background:
    Given a step that passes

  @mine
  Scenario: passes
    When a step that shows evidence
      """
      a doc string
      """
    Then a step with a table
      | host | code |
      | a    | 200  |

  Scenario: fails
    When a step that fails
    Then a step that passes

  Scenario: fails in parts
    When a step that sees something else

  Scenario: panics
    When a step that panics

  Scenario: skips
    When a step that skips
    Then a step that passes

  Scenario: is undefined
    When nobody knows this step
    Then a step that passes

  Scenario: is pending
    When a step that is pending

  Scenario: is ambiguous
    When a step that two definitions match

  Scenario Outline: hosts
    When host <host> gives <code>
    Examples:
      | host | code |
      | a    | 200  |
      | b    | 404  |

  Rule: hooks count
    @hook-before
    Scenario: hook before fails
      When a step that passes

    @hook-after
    Scenario: hook after fails
      When a step that passes

    @hook-after
    Scenario: hook after a skip fails
      When a step that skips
      Then a step that passes

    @hook-skip
    Scenario: hook skips
      When a step that passes
`

const empty = `Feature: Nothing to do
  Scenario: has no steps
`

// suite is the steps that the feature above speaks of.
func suite(sc *godog.ScenarioContext) {
	sc.Step(`^a step that passes$`, func() {})
	sc.Step(`^a step with a table$`, func(*godog.Table) {})
	sc.Step(`^host \w+ gives \d+$`, func() { time.Sleep(20 * time.Millisecond) })
	sc.Step(`^a step that fails$`, func() error { return errors.New("it broke") })
	sc.Step(`^a step that panics$`, func() { panic("out of range") })
	sc.Step(`^a step that skips$`, func() error { return evidence.Skip("not on this cluster") })
	sc.Step(`^a step that is pending$`, func() error { return godog.ErrPending })
	sc.Step(`^a step that two .*$`, func() {})
	sc.Step(`^a step that .* definitions match$`, func() {})
	sc.Step(`^a step that sees something else$`, func() error {
		return fmt.Errorf("asking svc: %w", &evidence.Failure{
			Expected: "200", Seen: "404", Look: []string{"the log"}, Cause: errors.New("no route"),
		})
	})
	sc.Step(`^a step that shows evidence$`, func(ctx context.Context, _ *godog.DocString) context.Context {
		return godog.Attach(ctx, evidence.Text{Title: "log", Body: "line"}.Attachment())
	})
	sc.Before(func(ctx context.Context, sc *godog.Scenario) (context.Context, error) {
		switch {
		case tagged(sc, "@hook-before"):
			ctx = godog.Attach(ctx, evidence.Text{Title: "set-up", Body: "tried"}.Attachment())
			return ctx, errors.New("no namespace")
		case tagged(sc, "@hook-skip"):
			return ctx, evidence.Skip("no IPv6")
		}
		return ctx, nil
	})
	sc.After(func(ctx context.Context, sc *godog.Scenario, _ error) (context.Context, error) {
		if tagged(sc, "@hook-after") {
			return ctx, errors.New("namespace is stuck")
		}
		return ctx, nil
	})
}

func tagged(sc *godog.Scenario, name string) bool {
	for _, tag := range sc.Tags {
		if tag.Name == name {
			return true
		}
	}
	return false
}

// record runs the features through godog itself.
func record(t *testing.T, concurrency int, listeners ...recorder.Listener) results.Run {
	t.Helper()
	rec := recorder.New("test", listeners...)
	format := rec.Register("testbed")
	godog.TestSuite{
		Name: "test",
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			suite(sc)
			rec.Observe(sc)
		},
		Options: &godog.Options{
			Format: format, Output: io.Discard, Strict: true, Concurrency: concurrency,
			FeatureContents: []godog.Feature{
				{Name: "statuses.feature", Contents: []byte(statuses)},
				{Name: "empty.feature", Contents: []byte(empty)},
			},
		},
	}.Run()
	return rec.Run()
}

func TestStatusesAndReasons(t *testing.T) {
	type outcome struct {
		Status          results.Status
		Message, Skip   string
		Error, Evidence string
	}
	want := map[string]outcome{
		"passes": {Status: results.Passed, Evidence: "log"},
		"fails":  {Status: results.Failed, Message: "it broke"},
		"fails in parts": {
			Status:  results.Failed,
			Message: "asking svc: expected: 200\n    seen: 404\n because: no route\n look at: the log",
		},
		"panics": {Status: results.Failed, Message: "out of range"},
		"skips":  {Status: results.Skipped, Skip: "not on this cluster"},
		"is undefined": {
			Status: results.Undefined, Message: "no step definition matches this text",
		},
		"is pending": {
			Status: results.Pending, Message: "the step's definition says that it is still to be written",
		},
		"is ambiguous": {
			Status: results.Ambiguous,
			Message: "ambiguous step definition, step text: a step that two definitions match\n    matches:\n" +
				"        ^a step that two .*$\n        ^a step that .* definitions match$",
		},
		"hosts [host=a, code=200]": {Status: results.Passed},
		"hosts [host=b, code=404]": {Status: results.Passed},
		"hook before fails": {
			Status: results.Failed, Message: "before scenario hook failed: no namespace", Evidence: "set-up",
		},
		"hook after fails": {Status: results.Failed, Message: "after scenario hook failed: namespace is stuck"},
		"hook after a skip fails": {
			Status: results.Failed, Error: "after the scenario: namespace is stuck",
		},
		"hook skips": {Status: results.Skipped, Skip: "no IPv6"},
		"has no steps": {
			Status: results.Failed, Error: "the scenario has no steps, so it proves nothing",
		},
	}
	for _, concurrency := range []int{1, 4} {
		t.Run(fmt.Sprintf("concurrency %d", concurrency), func(t *testing.T) {
			run := record(t, concurrency)
			got := map[string]outcome{}
			for _, feature := range run.Features {
				for _, s := range feature.Scenarios {
					o := outcome{Status: s.Status(), Skip: s.SkipReason(), Error: s.Error}
					if failed := s.FailedStep(); failed != nil {
						o.Message = failed.Failure.Message
					}
					for _, step := range s.Steps {
						for _, e := range step.Evidence {
							o.Evidence += e.(evidence.Text).Title
						}
					}
					got[s.FullName()] = o
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scenarios (-want +got):\n%s", diff)
			}
			if run.Verdict().Passed || run.Finished.Before(run.Started) {
				t.Errorf("verdict %+v, from %s to %s", run.Verdict(), run.Started, run.Finished)
			}
		})
	}
}

func TestWhatTheFileSays(t *testing.T) {
	feature := record(t, 1).Features[0]
	scenarios := feature.Scenarios
	feature.Scenarios = nil
	want := results.Feature{
		URI: "statuses.feature", Keyword: "Feature", Name: "Statuses", Description: "What a step can end in.",
		Tags: []string{"@feature-tag"}, Line: 2,
	}
	if diff := cmp.Diff(want, feature); diff != "" {
		t.Errorf("feature (-want +got):\n%s", diff)
	}
	passing := scenarios[0]
	if diff := cmp.Diff([]string{"@feature-tag", "@mine"}, passing.Tags); diff != "" || passing.Line != 9 {
		t.Errorf("line %d, tags (-want +got):\n%s", passing.Line, diff)
	}
	for i := range passing.Steps {
		passing.Steps[i].Duration, passing.Steps[i].Evidence = 0, nil
	}
	steps := []results.Step{
		{Keyword: "Given", Text: "a step that passes", Line: 6, Background: true, Status: results.Passed},
		{Keyword: "When", Text: "a step that shows evidence", Line: 10, DocString: "a doc string", Status: results.Passed},
		{
			Keyword: "Then", Text: "a step with a table", Line: 14, Status: results.Passed,
			Table: [][]string{{"host", "code"}, {"a", "200"}},
		},
	}
	if diff := cmp.Diff(steps, passing.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	outline := scenarios[9]
	if outline.Keyword != "Scenario Outline" || outline.Line != 47 || outline.Steps[1].Text != "host b gives 404" {
		t.Errorf("second example: %s at line %d with %q", outline.Keyword, outline.Line, outline.Steps[1].Text)
	}
	if rule := scenarios[10].Rule; rule != "hooks count" {
		t.Errorf("rule %q", rule)
	}
}

func TestPartsOfAFailure(t *testing.T) {
	failed := record(t, 1).Features[0].Scenarios[2].FailedStep()
	want := &results.Failure{
		Message:  "asking svc: expected: 200\n    seen: 404\n because: no route\n look at: the log",
		Expected: "200", Seen: "404", Cause: "no route", Context: "asking svc", Look: []string{"the log"},
	}
	if diff := cmp.Diff(want, failed.Failure); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

func TestTimes(t *testing.T) {
	for _, s := range record(t, 4).Features[0].Scenarios[8:10] {
		slow, quick := s.Steps[1].Duration, s.Steps[0].Duration
		if slow < 20*time.Millisecond || quick > slow || s.Duration < slow {
			t.Errorf("%s took %s, its steps %s and %s", s.FullName(), s.Duration, quick, slow)
		}
	}
}

// journal is a listener that keeps what it was told.
type journal struct {
	total    int
	started  []string
	finished []string
}

func (j *journal) RunStarted(counts results.Counts) { j.total = counts.Total }

func (j *journal) StepStarted(event recorder.ScenarioEvent, step results.Step) {
	j.started = append(j.started, event.Scenario.Name+": "+step.Text)
}

func (j *journal) ScenarioFinished(event recorder.ScenarioEvent) {
	j.finished = append(j.finished, fmt.Sprintf("%s %s", event.Scenario.FullName(), event.Scenario.Status()))
}

func TestListenersHearOfEveryScenarioOnce(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		t.Run(fmt.Sprintf("concurrency %d", concurrency), func(t *testing.T) {
			var heard journal
			run := record(t, concurrency, &heard)
			seen := map[string]int{}
			for _, finished := range heard.finished {
				seen[finished]++
			}
			for _, feature := range run.Features {
				for _, s := range feature.Scenarios {
					if key := fmt.Sprintf("%s %s", s.FullName(), s.Status()); seen[key] != 1 {
						t.Errorf("heard %d times of %q", seen[key], key)
					}
				}
			}
			if want := run.Count().Total; heard.total != want || len(heard.finished) != want {
				t.Errorf("announced %d, finished %d, want %d", heard.total, len(heard.finished), want)
			}
			if all := strings.Join(heard.started, "\n"); !strings.Contains(all, "fails: a step that fails") ||
				strings.Contains(all, "fails: a step that passes\nfails: a step that fails\nfails: a step that passes") {
				t.Errorf("steps started:\n%s", all)
			}
		})
	}
}

func TestARunThatIsInterruptedShowsWhatDidNotRun(t *testing.T) {
	rec := recorder.New("test")
	format := rec.Register("testbed")
	var once sync.Once
	var during results.Run
	godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			sc.Step(`^.*$`, func() {
				once.Do(func() {
					rec.Stop("interrupted by the user")
					rec.Stop("something later")
					rec.Finish()
					during = rec.Run()
				})
			})
			rec.Observe(sc)
		},
		Options: &godog.Options{
			Format: format, Output: io.Discard, Strict: true,
			FeatureContents: []godog.Feature{{Name: "statuses.feature", Contents: []byte(statuses)}},
		},
	}.Run()
	counts := during.Count()
	if counts.Total != 14 || counts.NotRun != 14 {
		t.Errorf("counts %+v, want that none of 14 ran to its end", counts)
	}
	if verdict := during.Verdict(); verdict.Passed || verdict.Reason != "interrupted by the user" {
		t.Errorf("verdict %+v", verdict)
	}
	if after := rec.Run(); after.Count().Passed != 14 {
		t.Errorf("the run went on with %+v, want all passed", after.Count())
	}
}

// godog reports nothing for an ambiguous step behind one that failed.
func TestStepsThatGodogPassesOverAreSkipped(t *testing.T) {
	var heard journal
	rec := recorder.New("test", &heard)
	godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			suite(sc)
			rec.Observe(sc)
		},
		Options: &godog.Options{
			Format: rec.Register("testbed"), Output: io.Discard, Strict: true,
			FeatureContents: []godog.Feature{{Name: "f.feature", Contents: []byte(
				"Feature: f\n  Scenario: s\n    When a step that fails\n    Then a step that two definitions match\n",
			)}},
		},
	}.Run()
	s := rec.Run().Features[0].Scenarios[0]
	if s.Status() != results.Failed || s.Steps[1].Status != results.Skipped {
		t.Errorf("scenario %s, second step %s", s.Status(), s.Steps[1].Status)
	}
	if diff := cmp.Diff([]string{"s failed"}, heard.finished); diff != "" {
		t.Errorf("listener (-want +got):\n%s", diff)
	}
}

func TestAnnouncedScenariosAreShownIfNothingRuns(t *testing.T) {
	rec := recorder.New("test")
	suite := godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) { sc.Step(`^.*$`, func() {}) },
		Options: &godog.Options{
			Format: rec.Register("testbed"), Output: io.Discard, Strict: true, Paths: []string{"statuses.feature"},
			FS: fstest.MapFS{"statuses.feature": {Data: []byte(statuses)}},
		},
	}
	features, err := suite.RetrieveFeatures()
	if err != nil {
		t.Fatal(err)
	}
	for _, feature := range features {
		rec.Announce(feature.GherkinDocument, feature.Pickles)
	}
	rec.Stop("the cluster did not start")
	run := rec.Run()
	if counts := run.Count(); counts.Total != 14 || counts.NotRun != 14 || run.Verdict().Reason != "the cluster did not start" {
		t.Errorf("counts %+v, verdict %+v", counts, run.Verdict())
	}
	suite.Run()
	if run = rec.Run(); run.Count().Total != 14 || len(run.Features) != 1 {
		t.Errorf("after the suite has run: %+v in %d features", run.Count(), len(run.Features))
	}
}

func TestWithoutObserveReasonsAreMissingAndTheRestIsThere(t *testing.T) {
	rec := recorder.New("test")
	format := rec.Register("testbed")
	godog.TestSuite{
		ScenarioInitializer: suite,
		Options: &godog.Options{
			Format: format, Output: io.Discard, Strict: true,
			FeatureContents: []godog.Feature{{Name: "statuses.feature", Contents: []byte(statuses)}},
		},
	}.Run()
	run := rec.Run()
	scenarios := run.Features[0].Scenarios
	if s := scenarios[4]; s.Status() != results.Skipped || s.SkipReason() != "no reason given" {
		t.Errorf("status %s, reason %q", s.Status(), s.SkipReason())
	}
	if s := scenarios[9]; s.Status() != results.Passed || s.Steps[1].Duration < 20*time.Millisecond {
		t.Errorf("status %s, steps %+v", s.Status(), s.Steps)
	}
	if run.Count().NotRun != 0 {
		t.Errorf("counts %+v", run.Count())
	}
}

func TestEnvironmentIsCopied(t *testing.T) {
	rec := recorder.New("test")
	properties := []results.Property{{Name: "Cluster", Value: "embedded"}}
	rec.SetEnvironment(properties...)
	properties[0].Value = "changed"
	if got := rec.Run().Environment; got[0].Value != "embedded" {
		t.Errorf("environment %v", got)
	}
}
