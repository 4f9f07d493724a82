package inprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/world"
)

// Scenario is a scenario of a feature file, or an outline with its examples.
type Scenario struct {
	// URI of the file, and the line in it.
	URI  string
	Line int64
	Name string
	// Tags are those of the scenario, the feature and the examples.
	Tags []string
}

// Place is the file and line: "conformance/tls.feature:12".
func (s Scenario) Place() string { return fmt.Sprintf("%s:%d", s.URI, s.Line) }

// Scenarios lists the scenarios of files and folders that a tag expression selects; "" is all.
func Scenarios(files fs.FS, tags string, paths ...string) ([]Scenario, error) {
	features, err := godog.TestSuite{Options: &godog.Options{FS: files, Tags: tags, Paths: paths}}.RetrieveFeatures()
	if err != nil {
		return nil, fmt.Errorf("reading the feature files: %w", err)
	}
	var all []Scenario
	for _, feature := range features {
		for _, pickle := range feature.Pickles {
			found := feature.FindScenario(pickle.AstNodeIds[0])
			if found == nil {
				return nil, fmt.Errorf("%s: the scenario %q has no place in the file", feature.Uri, pickle.Name)
			}
			next := Scenario{URI: feature.Uri, Line: found.Location.Line, Name: found.Name, Tags: tagsOf(pickle)}
			if last := len(all) - 1; last >= 0 && all[last].Place() == next.Place() {
				all[last].Tags = union(all[last].Tags, next.Tags)
				continue
			}
			all = append(all, next)
		}
	}
	return all, nil
}

func tagsOf(pickle *messages.Pickle) []string {
	var names []string
	for _, tag := range pickle.Tags {
		names = append(names, tag.Name)
	}
	return union(names, nil)
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// Result is what became of a scenario.
type Result struct {
	// Status is Failed if one of the examples has failed, and Skipped if all are skipped.
	Status results.Status
	// Reason of the first failure, or else of the first skip.
	Reason string
}

// Run runs a scenario, each example on a cluster of its own.
func (s Scenario) Run(ctx context.Context, files fs.FS, o Options) Result {
	if slices.Contains(s.Tags, world.WalkthroughTag) {
		return Result{results.Skipped, "the scenarios of a walkthrough continue each other"}
	}
	observer := &observer{}
	godog.TestSuite{
		Name: s.Name,
		Options: &godog.Options{
			FS: files, Tags: o.Tags, Paths: []string{s.Place()}, Strict: true, Format: "progress", Output: io.Discard, NoColors: true, DefaultContext: ctx,
		},
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			if err := initialize(ctx, scenario, files, o); err != nil {
				scenario.Before(func(ctx context.Context, _ *godog.Scenario) (context.Context, error) { return ctx, err })
			}
			scenario.StepContext().After(observer.step)
			scenario.After(observer.scenario)
		},
	}.Run()
	return observer.result()
}

// initialize starts a cluster for a scenario and binds its steps to it.
func initialize(ctx context.Context, scenario *godog.ScenarioContext, files fs.FS, o Options) error {
	cluster, err := Start(ctx, o)
	if err != nil {
		return err
	}
	environment, err := cluster.environment(ctx, files)
	if err != nil {
		return errors.Join(err, cluster.Destroy(ctx))
	}
	run, err := definitions.NewRun(environment, nil)
	if err != nil {
		return errors.Join(err, cluster.Destroy(ctx))
	}
	run.Initialize(scenario)
	scenario.After(func(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
		cluster.stop() // requests that still run end by themselves
		return ctx, nil
	})
	return nil
}

// environment is what the steps use of the cluster.
func (c *Cluster) environment(ctx context.Context, files fs.FS) (*steps.Environment, error) {
	api, err := c.server.API()
	if err != nil {
		return nil, err
	}
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &steps.Environment{
		Cluster: c, Nodes: nodes, Objects: api, Controller: controller{c, c.control.settings.Compatibility}, Features: files,
		// An Ingress that is served has its address before the request that applied it is answered. What is later than that, such as
		// the access log, is so by milliseconds.
		WaitPolicy: subject.WaitPolicy{
			First: 100 * time.Millisecond, Next: 100 * time.Millisecond, Settle: time.Millisecond, Steps: 2 * time.Second,
		},
	}, nil
}

// observer records what becomes of the examples of a scenario.
type observer struct {
	mu                 sync.Mutex
	passed             bool
	failures, skips    []string
	failedNow, skipped bool
}

func (o *observer) step(ctx context.Context, step *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch status {
	case godog.StepPassed:
	case godog.StepSkipped:
		if reason := evidence.SkipReason(err); reason != "" {
			o.skips, o.skipped = append(o.skips, reason), true
		}
	default:
		o.failures, o.failedNow = append(o.failures, fmt.Sprintf("%s: %v", step.Text, err)), true
	}
	return ctx, nil
}

func (o *observer) scenario(ctx context.Context, _ *godog.Scenario, err error) (context.Context, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.failedNow, o.skipped:
	case err != nil:
		o.failures = append(o.failures, err.Error())
	default:
		o.passed = true
	}
	o.failedNow, o.skipped = false, false
	return ctx, nil
}

func (o *observer) result() Result {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.failures) > 0:
		return Result{results.Failed, o.failures[0]}
	case o.passed:
		return Result{Status: results.Passed}
	case len(o.skips) > 0:
		return Result{results.Skipped, o.skips[0]}
	}
	return Result{results.NotRun, "the scenario did not run"}
}
