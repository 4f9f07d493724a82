// Package load defines the steps that make requests at given times, independent of the responses (an open model), while
// other steps change things.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/cucumber/godog"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/load"
	"github.com/ingress-testbed/testbed/steps/usage"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// Dependencies are what the steps use.
type Dependencies struct {
	Pods Pods
	// Dir is the folder for the results of load runs.
	Dir string
	// Usage measures what the ingress controller uses.
	Usage usage.Source
	// Scale is what the rates of the feature files are multiplied by.
	Scale float64
}

// Pods finds the Pods of Deployments.
type Pods interface {
	PodsOf(ctx context.Context, namespace, name string) ([]corev1.Pod, error)
}

// steps are the steps with what they use.
type steps struct{ Dependencies }

// Definitions returns the steps.
func Definitions(d Dependencies) []vocabulary.Definition {
	s := steps{d}
	return append([]vocabulary.Definition{
		{
			Pattern: `the client makes (\d+) requests a second to "([^"]*)" for (\d+) seconds?`,
			Example: `the client makes 200 requests a second to "http://shop.${domain}/" for 2 seconds`,
			Handler: s.requestAtRate,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the client starts to make (\d+) requests a second to "([^"]*)"`,
			Example: `the client starts to make 200 requests a second to "http://shop.${domain}/"`,
			Handler: s.startConstant,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the client starts to make requests:`,
			Example: `the client starts to make requests:`,
			Handler: s.startTable,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the load run continues for (\d+(?:\.\d+)?) seconds?`,
			Example: `the load run continues for 2 seconds`,
			Handler: continues,
		},
		{
			Pattern: `the load run ends`,
			Example: `the load run ends`,
			Handler: ends,
		},
	}, s.assertions()...)
}

// requestAtRate makes requests at a constant rate and waits until all have ended.
func (s steps) requestAtRate(ctx context.Context, rate int, url string, seconds int) (context.Context, error) {
	duration := time.Duration(seconds) * time.Second
	if duration > load.MaxDuration {
		return ctx, fmt.Errorf("a load run lasts %s at most", load.MaxDuration)
	}
	after, err := s.start(ctx, load.Plan{Schedule: load.Constant(float64(rate)).For(duration), Targets: []load.Target{{URL: url, Share: 1}}})
	if err != nil {
		return ctx, err
	}
	run, err := last(after)
	if err != nil {
		return after, err
	}
	run.run.Wait()
	return after, errors.Join(ctx.Err(), run.end(after))
}

func (s steps) startConstant(ctx context.Context, rate int, url string) (context.Context, error) {
	return s.start(ctx, load.Plan{Schedule: load.Constant(float64(rate)), Targets: []load.Target{{URL: url, Share: 1}}})
}

// startTable starts a load run whose plan is a table of names and values.
func (s steps) startTable(ctx context.Context, table *godog.Table) (context.Context, error) {
	pairs, err := arguments.Pairs(table)
	if err != nil {
		return ctx, err
	}
	var plan load.Plan
	for _, pair := range pairs {
		if err := set(&plan, pair[0], pair[1]); err != nil {
			return ctx, err
		}
	}
	return s.start(ctx, plan)
}

// set sets a property of a plan.
func set(plan *load.Plan, name, value string) (err error) {
	switch name {
	case "rate":
		plan.Schedule, err = load.ParseSchedule(value)
		return err
	case "protocol":
		if value != "HTTP/1.1" && value != "HTTP/2" {
			return fmt.Errorf("the protocol of a load run is HTTP/1.1 or HTTP/2, not %q", value)
		}
		plan.HTTP2 = value == "HTTP/2"
		return nil
	case "connections":
		if value != "kept" && value != "new" {
			return fmt.Errorf("the connections of a load run are kept or new, not %q", value)
		}
		plan.NewConnections = value == "new"
		return nil
	}
	target := regexp.MustCompile(`^target(?:, share (\d{1,4}))?$`).FindStringSubmatch(name)
	if target == nil {
		return fmt.Errorf("a load run has no property %q; it has: rate, protocol, connections, target, and \"target, share N\"", name)
	}
	share := 1
	if target[1] != "" {
		if share, err = strconv.Atoi(target[1]); err != nil {
			return err
		}
	}
	plan.Targets = append(plan.Targets, load.Target{URL: value, Share: share})
	return nil
}

// start starts a load run, which the scenario's end stops if no step does.
func (s steps) start(ctx context.Context, plan load.Plan) (context.Context, error) {
	if earlier, err := last(ctx); err == nil && earlier.result == nil {
		return ctx, errors.New("a load run is running already: end it with the step \"the load run ends\"")
	}
	scenario := world.From(ctx)
	plan.Schedule = plan.Schedule.Scaled(cmp.Or(s.Scale, 1))
	for i := range plan.Targets {
		plan.Targets[i].Header = header(scenario.Client.Header)
	}
	session := scenario.Client.Session()
	started, err := load.Start(ctx, plan, session.Dial)
	if err != nil {
		return ctx, err
	}
	run := &loadRun{run: started, dir: s.Dir, usage: usage.Record(context.WithoutCancel(ctx), s.Usage)}
	scenario.AtEnd(func(context.Context) error {
		started.Stop()
		_, _ = run.usage.Stop() // the run has failed, or has its samples
		return nil
	})
	scenario.OnFailure(func(ctx context.Context) {
		if err := run.end(ctx); err != nil {
			scenario.Attach(evidence.Text{Title: "Load run", Body: err.Error()})
		}
	})
	return context.WithValue(ctx, runKey{}, run), nil
}

// header is that of the client, with what identifies it.
func header(client http.Header) http.Header {
	header := http.Header{"User-Agent": {"ingress-testbed"}, "Accept": {"*/*"}}
	for name, values := range client {
		header[name] = values
	}
	return header
}
