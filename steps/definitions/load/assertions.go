package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/load"
	"github.com/ingress-testbed/testbed/steps/statistics"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

func (s steps) assertions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `no request of the load run failed`,
			Example: `no request of the load run failed`,
			Handler: func(ctx context.Context) error { return failedAtMost(ctx, 0) },
		},
		{
			Pattern: `at most (\d+) requests? of the load run failed`,
			Example: `at most 5 requests of the load run failed`,
			Handler: failedAtMost,
		},
		{
			Pattern: `no request of the load run failed that was due more than (\d+) ms after the last change`,
			Example: `no request of the load run failed that was due more than 500 ms after the last change`,
			Handler: noneFailedAfter,
		},
		{
			Pattern: `(\d+) to (\d+) % of the requests of the load run succeeded, and the others were rejected with the status (\d+)`,
			Example: `20 to 40 % of the requests of the load run succeeded, and the others were rejected with the status 503`,
			Handler: rejectedWith,
		},
		{
			Pattern: `(\d+(?:\.\d+)?) % of the requests of the load run were answered within (\d+) ms`,
			Example: `99 % of the requests of the load run were answered within 500 ms`,
			Handler: answeredWithin,
		},
		{
			Pattern: `in the last (\d+(?:\.\d+)?) seconds?, (\d+(?:\.\d+)?) % of the requests of the load run were answered by Pods of "([^"]*)"`,
			Example: `in the last 2 seconds, 20 % of the requests of the load run were answered by Pods of "canary"`,
			Handler: s.answeredBy,
		},
		{
			Pattern: `every Pod of "([^"]*)" has answered requests of the load run`,
			Example: `every Pod of "shop" has answered requests of the load run`,
			Handler: s.everyPod,
		},
	}
}

// pictures refers to the evidence of a load run.
const pictures = "the plots and the list of failed requests of the load run"

func failedAtMost(ctx context.Context, limit int) error {
	run, err := ended(ctx)
	if err != nil {
		return err
	}
	failed, unsent := len(run.result.Failed()), run.result.Unsent()
	if failed <= limit {
		return nil
	}
	if failed-unsent <= limit {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(run.result.Bottleneck(), "."), world.ErrInconclusive)
	}
	expected := fmt.Sprintf("none of %d requests fails", len(run.result.Outcomes))
	if limit > 0 {
		expected = fmt.Sprintf("at most %d of %d requests fail", limit, len(run.result.Outcomes))
	}
	return world.AnswerFailure(effect.Lost, expected, run.result.Summary(run.marks), pictures, world.Diagnosis)
}

func noneFailedAfter(ctx context.Context, milliseconds int) error {
	run, err := ended(ctx)
	if err != nil {
		return err
	}
	if len(run.marks) == 0 {
		return errors.New("no step has changed anything during the load run")
	}
	limit := run.marks[len(run.marks)-1].To + time.Duration(milliseconds)*time.Millisecond
	late := *run.result
	late.Outcomes = nil
	for _, outcome := range run.result.Outcomes {
		if outcome.Due > limit {
			late.Outcomes = append(late.Outcomes, outcome)
		}
	}
	if len(late.Outcomes) == 0 {
		return fmt.Errorf("the load run ended less than %d ms after the last change: let it continue for longer", milliseconds)
	}
	switch len(late.Failed()) {
	case 0:
		return nil
	case late.Unsent():
		return fmt.Errorf("%s: %w", strings.TrimSuffix(late.Bottleneck(), "."), world.ErrInconclusive)
	}
	return world.AnswerFailure(effect.Lost, fmt.Sprintf("no request fails that is due more than %d ms after the last change", milliseconds), late.Summary(run.marks),
		pictures, world.Diagnosis)
}

// rejectedWith expects a share of the requests to fail, all of them with one status.
func rejectedWith(ctx context.Context, low, high, status int) error {
	run, err := ended(ctx)
	if err != nil {
		return err
	}
	others := *run.result
	others.Outcomes = nil
	failed := run.result.Failed()
	for _, outcome := range failed {
		if outcome.Status != status {
			others.Outcomes = append(others.Outcomes, outcome)
		}
	}
	total := len(run.result.Outcomes)
	succeeded := 100 * float64(total-len(failed)) / float64(total)
	expected := fmt.Sprintf("%d to %d %% of %d requests succeed, and the others are rejected with the status %d", low, high, total, status)
	switch {
	case len(others.Outcomes) > 0:
		return world.AnswerFailure(effect.AnswersDifferently, expected, "of the others, "+others.Summary(run.marks), pictures, world.Diagnosis)
	case succeeded < float64(low), succeeded > float64(high):
		meaning := effect.Lost
		if succeeded > float64(high) {
			meaning = effect.AnswersDifferently
			if world.From(ctx).Protects {
				meaning = effect.ProtectionLost
			}
		}
		return world.AnswerFailure(meaning, expected, fmt.Sprintf("%.1f %% of them succeeded", succeeded), pictures, world.Diagnosis)
	}
	return nil
}

// answeredWithin judges latencies from the time at which requests were due. If only the client's lag makes them too long,
// they say nothing about the controller.
func answeredWithin(ctx context.Context, percent float64, milliseconds int) error {
	run, err := ended(ctx)
	if err != nil {
		return err
	}
	limit := time.Duration(milliseconds) * time.Millisecond
	latency := run.result.Latencies().Quantile(percent / 100)
	if latency <= limit {
		return nil
	}
	if bottleneck := run.result.Bottleneck(); bottleneck != "" && run.result.ServiceTimes().Quantile(percent/100) <= limit {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(bottleneck, "."), world.ErrInconclusive)
	}
	return world.AnswerFailure(effect.AnswersDifferently, fmt.Sprintf("%g %% of %d requests answered within %s", percent, len(run.result.Outcomes), limit),
		fmt.Sprintf("within %s; half of them within %s", latency.Round(time.Millisecond), run.result.Latencies().Quantile(0.5).Round(time.Millisecond)),
		pictures, world.Diagnosis)
}

// answeredBy tests the share of a Deployment's Pods in the responses to the requests that were due in the last seconds of
// a run, which may be running.
func (s steps) answeredBy(ctx context.Context, seconds, percent float64, deployment string) error {
	outcomes, err := current(ctx)
	if err != nil {
		return err
	}
	names, err := s.podNames(ctx, deployment)
	if err != nil {
		return err
	}
	from := outcomes.Elapsed - time.Duration(seconds*float64(time.Second))
	counts := statistics.Counts{}
	const others = "(others)"
	for _, outcome := range outcomes.Outcomes {
		switch {
		case outcome.Due < from || outcome.Backend == "":
		case names[outcome.Backend]:
			counts[deployment]++
		default:
			counts[others]++
		}
	}
	tested, err := statistics.Split(fmt.Sprintf("Who answered in the last %g s", seconds), counts,
		map[string]float64{deployment: percent / 100, others: 1 - percent/100})
	if err != nil {
		return err
	}
	world.From(ctx).Attach(tested)
	if !statistics.Accepted(tested) {
		return world.AnswerFailure(effect.AnotherBackend, fmt.Sprintf("%g %% of %d requests answered by Pods of %s", percent, tested.Total, deployment),
			fmt.Sprintf("%d of them", counts[deployment]), pictures, world.Diagnosis)
	}
	return nil
}

// current returns the outcomes of the requests so far.
func current(ctx context.Context) (load.Result, error) {
	run, err := last(ctx)
	switch {
	case err != nil:
		return load.Result{}, err
	case run.result != nil:
		return *run.result, nil
	}
	return run.run.Now(), nil
}

func (s steps) podNames(ctx context.Context, deployment string) (map[string]bool, error) {
	namespace, name := world.From(ctx).QualifyPods(deployment)
	pods, err := s.Pods.PodsOf(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, pod := range pods {
		names[pod.Name] = true
	}
	return names, nil
}

func (s steps) everyPod(ctx context.Context, deployment string) error {
	outcomes, err := current(ctx)
	if err != nil {
		return err
	}
	names, err := s.podNames(ctx, deployment)
	if err != nil {
		return err
	}
	count := len(names)
	for _, outcome := range outcomes.Outcomes {
		delete(names, outcome.Backend)
	}
	if len(names) == 0 {
		return nil
	}
	var missing []string
	for name := range names {
		missing = append(missing, name)
	}
	return world.AnswerFailure(effect.AnswersDifferently, fmt.Sprintf("all %d Pods of %s have answered requests", count, deployment), "none came from "+strings.Join(missing, ", "),
		pictures, world.Diagnosis)
}
