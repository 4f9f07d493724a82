package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/load"
	"github.com/ingress-testbed/testbed/steps/usage"
	"github.com/ingress-testbed/testbed/steps/world"
)

// ownSteps is in the text of every step about a load run, except for those that start one.
const ownSteps = "load run"

// runKey is the context key of the last load run.
type runKey struct{}

// loadRun is a load run of a scenario.
type loadRun struct {
	run   *load.Run
	dir   string
	usage *usage.Recorder
	// result and marks are set when the run has ended.
	result *load.Result
	marks  []evidence.LoadMark
}

// last returns the last load run of the scenario.
func last(ctx context.Context) (*loadRun, error) {
	run, _ := ctx.Value(runKey{}).(*loadRun)
	if run == nil {
		return nil, errors.New("there is no load run: an earlier step must start one")
	}
	return run, nil
}

// ended ends the last load run, if it is still running, and returns it.
func ended(ctx context.Context) (*loadRun, error) {
	run, err := last(ctx)
	if err != nil {
		return nil, err
	}
	if err := run.end(ctx); err != nil {
		return nil, err
	}
	if len(run.result.Outcomes) == 0 {
		return nil, errors.New("the load run has made no request: let it continue for longer")
	}
	return run, nil
}

// ends is the step that ends a load run.
func ends(ctx context.Context) error {
	_, err := ended(ctx)
	return err
}

// continues waits while requests are made.
func continues(ctx context.Context, seconds float64) error {
	run, err := last(ctx)
	if err != nil {
		return err
	}
	if run.result != nil {
		return errors.New("the load run has ended already")
	}
	return sleep.For(ctx, time.Duration(seconds*float64(time.Second)))
}

// end stops the run and attaches the outcomes of its requests, once.
func (r *loadRun) end(ctx context.Context) error {
	if r.result != nil {
		return nil
	}
	result := r.run.Stop()
	scenario := world.From(ctx)
	r.result, r.marks = &result, marks(scenario.Steps(), result.Began, result.Elapsed)
	described := result.Evidence("Load run", r.marks)
	samples, err := r.usage.Stop()
	for _, sample := range samples {
		if at := sample.At.Sub(result.Began); at <= result.Elapsed {
			described.Usage = append(described.Usage, evidence.LoadUsage{At: at, CPU: sample.CPU, Memory: sample.Memory})
		}
	}
	if err != nil {
		described.UsageUnknown = err.Error()
	}
	scenario.Attach(described)
	text, err := result.Text()
	if err != nil {
		return err
	}
	scenario.Attach(evidence.Text{Title: "Summary of the load run", Body: text})
	file, err := r.save(result)
	if err != nil {
		return err
	}
	scenario.Attach(file)
	return nil
}

// save writes the results of vegeta to a file.
func (r *loadRun) save(result load.Result) (evidence.File, error) {
	content, err := result.Vegeta()
	if err != nil {
		return evidence.File{}, err
	}
	const name = "load.vegeta.bin"
	dir, err := os.MkdirTemp(r.dir, "load-")
	if err != nil {
		return evidence.File{}, fmt.Errorf("making a folder for the results of the load run: %w", err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return evidence.File{}, fmt.Errorf("writing the results of the load run: %w", err)
	}
	return evidence.File{Title: "Results for `vegeta report` and `vegeta plot`", Name: name, Path: path}, nil
}

// marks are the steps that began after the start of a run and are not about load runs.
func marks(steps []world.Step, began time.Time, elapsed time.Duration) []evidence.LoadMark {
	var marks []evidence.LoadMark
	for _, step := range steps {
		from := step.Started.Sub(began)
		if from < 0 || from > elapsed || strings.Contains(step.Text, ownSteps) {
			continue
		}
		to := elapsed
		if !step.Ended.IsZero() {
			to = min(elapsed, step.Ended.Sub(began))
		}
		marks = append(marks, evidence.LoadMark{Text: step.Text, From: from, To: to})
	}
	return marks
}
