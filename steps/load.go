package steps

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
)

const (
	// maxLoad bounds a load run of a scenario.
	maxLoad = 10 * time.Minute
	// shownErrors bounds how many different errors of a load run are shown.
	shownErrors = 10
)

// load are the steps that make requests at a steady rate, whatever the answers do (an open model, by vegeta).
type load struct {
	*scenario
	metrics *vegeta.Metrics
}

func (l *load) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client makes (\d+) requests a second to "([^"]*)" for (\d+) seconds?`,
			Example: `the client makes 200 requests a second to "http://shop.${domain}/" for 2 seconds`,
			Handler: l.attack,
		},
		{
			Pattern: `no request of the load failed`,
			Example: `no request of the load failed`,
			Handler: l.noneFailed,
		},
		{
			Pattern: `(\d+(?:\.\d+)?) % of the load was answered within (\d+) ms`,
			Example: `99 % of the load was answered within 500 ms`,
			Handler: l.answeredWithin,
		},
	}
}

func (l *load) attack(ctx context.Context, rate int, url string, seconds int) error {
	duration := time.Duration(seconds) * time.Second
	if rate == 0 || duration == 0 || duration > maxLoad {
		return fmt.Errorf("a load needs a rate, and a time of up to %s", maxLoad)
	}
	session := l.client.Session()
	defer session.Close()
	attacker := vegeta.NewAttacker(vegeta.Client(&http.Client{Transport: session, Timeout: 30 * time.Second}), vegeta.Redirects(vegeta.NoFollow))
	targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url})
	results := attacker.Attack(targeter, vegeta.ConstantPacer{Freq: rate, Per: time.Second}, duration, url)
	metrics := &vegeta.Metrics{}
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	for result := range results {
		metrics.Add(result)
	}
	metrics.Close()
	l.metrics = metrics
	var text strings.Builder
	if err := vegeta.NewTextReporter(metrics).Report(&text); err != nil {
		return fmt.Errorf("describing the load run: %w", err)
	}
	l.show(evidence.Text{Title: fmt.Sprintf("%d requests a second to %s", rate, url), Body: text.String()})
	return ctx.Err()
}

func (l *load) measured() (*vegeta.Metrics, error) {
	if l.metrics == nil || l.metrics.Requests == 0 {
		return nil, errors.New("there was no load: a step before this one must make it")
	}
	return l.metrics, nil
}

// noneFailed takes statuses from 200 to 399 for success.
func (l *load) noneFailed(context.Context) error {
	metrics, err := l.measured()
	if err != nil {
		return err
	}
	if metrics.Success < 1 {
		return failure(fmt.Sprintf("%d answers with a status below 400", metrics.Requests),
			fmt.Sprintf("%.3f %% of them; by status %v; %s", 100*metrics.Success, metrics.StatusCodes,
				strings.Join(metrics.Errors[:min(len(metrics.Errors), shownErrors)], "; ")), whereToLook)
	}
	return nil
}

func (l *load) answeredWithin(_ context.Context, percent float64, milliseconds int) error {
	metrics, err := l.measured()
	if err != nil {
		return err
	}
	limit := time.Duration(milliseconds) * time.Millisecond
	if taken := metrics.Latencies.Quantile(percent / 100); taken > limit {
		return failure(fmt.Sprintf("%g %% of %d requests answered within %s", percent, metrics.Requests, limit), taken.String(), whereToLook)
	}
	return nil
}
