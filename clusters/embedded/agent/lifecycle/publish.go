//go:build linux

package lifecycle

import (
	"context"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Report writes the status of a Pod to the API. It is called again after an error.
type Report func(ctx context.Context, pod *corev1.Pod) error

const (
	reportTimeout    = 30 * time.Second
	firstReportRetry = 10 * time.Millisecond
	maxReportRetry   = 5 * time.Second
)

// publisher reports the status of a Pod whenever it has changed.
type publisher struct {
	state  *podState
	report Report
	log    *slog.Logger
}

// run reports until quit is closed and the status after that is reported, or until ctx ends.
func (p publisher) run(ctx context.Context, quit <-chan struct{}) {
	delay := firstReportRetry
	var retry <-chan time.Time
	for final := false; ; {
		if !final {
			select {
			case <-p.state.changed:
			case <-retry:
			case <-quit:
				final = true
			case <-ctx.Done():
				<-quit
				p.state.compute(time.Now()) // for Worker.Status
				return
			}
		}
		err := p.publish(ctx)
		if err == nil {
			if final {
				return
			}
			delay, retry = firstReportRetry, nil
			continue
		}
		p.log.Debug("reporting the status", "error", err)
		retry = time.After(delay)
		delay = min(2*delay, maxReportRetry)
		if final {
			select {
			case <-retry:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (p publisher) publish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	return p.report(ctx, p.state.compute(time.Now()))
}
