// Package load defines the steps that make requests at a constant rate, independent of the responses (an open model).
package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// maxDuration bounds a load run.
	maxDuration = 10 * time.Minute
	// requestTimeout bounds one request of a load run.
	requestTimeout = 30 * time.Second
	// shownErrors is the most errors that a failure lists.
	shownErrors = 10
)

// metricsKey is the context key of the metrics of the last load run.
type metricsKey struct{}

// Definitions returns the steps.
func Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client makes (\d+) requests a second to "([^"]*)" for (\d+) seconds?`,
			Example: `the client makes 200 requests a second to "http://shop.${domain}/" for 2 seconds`,
			Handler: attack,
			Alone:   true,
		},
		{
			Pattern: `no request of the load run failed`,
			Example: `no request of the load run failed`,
			Handler: noneFailed,
		},
		{
			Pattern: `(\d+(?:\.\d+)?) % of the requests of the load run were answered within (\d+) ms`,
			Example: `99 % of the requests of the load run were answered within 500 ms`,
			Handler: answeredWithin,
		},
	}
}

// attack makes requests at a constant rate and stores the metrics in the context.
func attack(ctx context.Context, rate int, url string, seconds int) (context.Context, error) {
	duration := time.Duration(seconds) * time.Second
	if rate == 0 || duration == 0 || duration > maxDuration {
		return ctx, fmt.Errorf("a load run needs a positive rate and a duration of at most %s", maxDuration)
	}
	scenario := world.From(ctx)
	session := scenario.Client.Session()
	defer session.Close()
	attacker := vegeta.NewAttacker(vegeta.Client(&http.Client{Transport: session, Timeout: requestTimeout}), vegeta.Redirects(vegeta.NoFollow))
	targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url})
	results := attacker.Attack(targeter, vegeta.ConstantPacer{Freq: rate, Per: time.Second}, duration, url)
	metrics := &vegeta.Metrics{}
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	for result := range results {
		metrics.Add(result)
	}
	metrics.Close()
	after := context.WithValue(ctx, metricsKey{}, metrics)
	var text strings.Builder
	if err := vegeta.NewTextReporter(metrics).Report(&text); err != nil {
		return after, fmt.Errorf("formatting the metrics of the load run: %w", err)
	}
	scenario.Attach(evidence.Text{Title: fmt.Sprintf("%d requests a second to %s", rate, url), Body: text.String()})
	return after, ctx.Err()
}

func lastMetrics(ctx context.Context) (*vegeta.Metrics, error) {
	metrics, _ := ctx.Value(metricsKey{}).(*vegeta.Metrics)
	if metrics == nil || metrics.Requests == 0 {
		return nil, errors.New("there was no load run: an earlier step must make one")
	}
	return metrics, nil
}

// noneFailed expects a status from 200 to 399 of every response.
func noneFailed(ctx context.Context) error {
	metrics, err := lastMetrics(ctx)
	if err != nil {
		return err
	}
	if metrics.Success < 1 {
		return world.Failure(fmt.Sprintf("%d responses with a status below 400", metrics.Requests),
			fmt.Sprintf("%.3f %% of them; by status: %v; errors: %s", 100*metrics.Success, metrics.StatusCodes,
				strings.Join(metrics.Errors[:min(len(metrics.Errors), shownErrors)], "; ")), world.Diagnosis)
	}
	return nil
}

func answeredWithin(ctx context.Context, percent float64, milliseconds int) error {
	metrics, err := lastMetrics(ctx)
	if err != nil {
		return err
	}
	limit := time.Duration(milliseconds) * time.Millisecond
	if latency := metrics.Latencies.Quantile(percent / 100); latency > limit {
		return world.Failure(fmt.Sprintf("%g %% of %d requests answered within %s", percent, metrics.Requests, limit), latency.String(), world.Diagnosis)
	}
	return nil
}
