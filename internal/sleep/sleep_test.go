package sleep_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/internal/sleep"
)

var errStopped = errors.New("stopped")

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		if err := sleep.For(t.Context(), time.Minute); err != nil || time.Since(started) != time.Minute {
			t.Errorf("slept %s, error %v", time.Since(started), err)
		}
	})
}

func TestForUntilContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errStopped) })
		started := time.Now()
		if err := sleep.For(ctx, time.Minute); !errors.Is(err, errStopped) || time.Since(started) != time.Second {
			t.Errorf("slept %s, error %v", time.Since(started), err)
		}
		if err := sleep.For(ctx, 0); !errors.Is(err, errStopped) {
			t.Errorf("no time in an ended context: error %v", err)
		}
	})
}
