//go:build linux

package probe

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// While a container has never passed a probe, it is probed more often than its period says: a server that is up after
// 80 ms would else be found out only a whole period, usually 10 s, later, if the first probe came at 50 ms. Tests on a
// cluster wait for readiness all the time. The failures of such extra probes count no faster than the period allows.
const (
	eagerFirst = 50 * time.Millisecond
	eagerMost  = 250 * time.Millisecond
	eagerFor   = 10 * time.Second
	// Failures right after the start are not reported.
	silence = time.Second
)

// Verdict is the outcome of a probe after its thresholds.
type Verdict struct {
	Healthy bool
	// Reason of the last failure, when not Healthy.
	Reason error
}

// Watch probes until ctx is done. It calls verdict when a threshold is passed, and failed for each failure that counts.
func Watch(ctx context.Context, p *corev1.Probe, t Target, verdict func(Verdict), failed func(error)) {
	run(ctx, p, func(ctx context.Context) error { return Once(ctx, p, t) }, verdict, failed)
}

func run(ctx context.Context, p *corev1.Probe, once func(context.Context) error, verdict func(Verdict), failed func(error)) {
	period := seconds(p.PeriodSeconds, 10)
	if !sleep(ctx, time.Duration(p.InitialDelaySeconds)*time.Second) {
		return
	}
	c := counter{success: threshold(p.SuccessThreshold, 1), failure: threshold(p.FailureThreshold, 3)}
	eager, began := eagerFirst, time.Now()
	lastCounted := began.Add(min(silence, period) - period)
	for {
		err := once(ctx)
		if ctx.Err() != nil {
			return
		}
		counts := err == nil || time.Since(lastCounted) >= period
		if err != nil && counts {
			lastCounted = time.Now()
			failed(err)
		}
		if counts {
			if v, changed := c.count(err); changed {
				verdict(v)
			}
		}
		wait := period
		if !c.everPassed && c.success == 1 && time.Since(began) < eagerFor {
			wait = min(eager, period)
			eager = min(eager*3/2, eagerMost)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// counter applies the thresholds: each time that many results in a row agree, there is a verdict.
type counter struct {
	success, failure int
	passes, failures int
	everPassed       bool
}

// count counts one result and reports whether there is a verdict with it.
func (c *counter) count(err error) (Verdict, bool) {
	if err == nil {
		c.everPassed = true
		c.failures = 0
		c.passes++
		return Verdict{Healthy: true}, c.passes == c.success
	}
	c.passes = 0
	c.failures++
	if c.failures < c.failure {
		return Verdict{}, false
	}
	c.failures = 0 // the next verdict takes as many failures again
	return Verdict{Reason: err}, true
}

func seconds(n, fallback int32) time.Duration {
	if n <= 0 {
		n = fallback
	}
	return time.Duration(n) * time.Second
}

func threshold(n, fallback int32) int {
	if n <= 0 {
		n = fallback
	}
	return int(n)
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
