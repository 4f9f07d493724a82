// Package sleep waits for a time, or until a context ends.
package sleep

import (
	"context"
	"time"
)

// For waits for the duration. If the context ends before, it returns the cause of that (context.Cause). With a duration of 0 or
// less it reports whether the context has ended already.
func For(ctx context.Context, duration time.Duration) error {
	if duration <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
