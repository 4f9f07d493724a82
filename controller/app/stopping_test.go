package app

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

// TestThePortsCloseWhenNoConnectionComes has connections come every 100 ms for a while after SIGTERM.
func TestThePortsCloseWhenNoConnectionComes(t *testing.T) {
	for name, c := range map[string]struct {
		grace, until, from, to time.Duration
	}{
		"none comes":                 {time.Second, 0, time.Second, time.Second},
		"nodes learn it in time":     {time.Second, 450 * time.Millisecond, time.Second, time.Second},
		"nodes learn it late":        {time.Second, 2250 * time.Millisecond, 2250 * time.Millisecond, 3100 * time.Millisecond},
		"they never stop":            {time.Second, time.Hour, 6 * time.Second, 6 * time.Second},
		"without a grace period":     {0, time.Hour, 0, 0},
		"with a short grace period":  {100 * time.Millisecond, 0, 100 * time.Millisecond, 100 * time.Millisecond},
		"with a longer grace period": {10 * time.Second, 0, 10 * time.Second, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var arrived atomic.Int64
				ctx, stop := context.WithCancel(t.Context())
				began := time.Now()
				var connecting sync.WaitGroup
				connecting.Go(func() {
					for time.Since(began) < c.until && ctx.Err() == nil {
						arrived.Add(1)
						time.Sleep(100 * time.Millisecond) // by the clock of synctest
					}
				})
				awaitQuiet(ctx, clock.RealClock{}, c.grace, &arrived)
				if took := time.Since(began); took < c.from || took > c.to {
					t.Errorf("the ports were closed after %s, want %s to %s", took, c.from, c.to)
				}
				stop()
				connecting.Wait()
			})
		})
	}
}
