package deadline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
)

func TestAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deadline.New()
		if d.IsSet() {
			t.Error("a new deadline is set")
		}
		began := time.Now()
		d.Advance(began.Add(30 * time.Second))
		d.Advance(began.Add(time.Hour)) // later: no change
		go func() {
			time.Sleep(5 * time.Second)
			d.Advance(began.Add(10 * time.Second))
		}()
		if d.Wait(make(chan struct{})) || time.Since(began) != 10*time.Second {
			t.Errorf("passed after %s, want 10s", time.Since(began))
		}
		done := make(chan struct{})
		close(done)
		d = deadline.New()
		d.Advance(time.Now().Add(time.Hour))
		if !d.Wait(done) {
			t.Error("Wait ignores done")
		}
	})
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, wake, began := deadline.New(), make(chan struct{}, 1), time.Now()
		if !d.Sleep(time.Minute, wake) || time.Since(began) != time.Minute {
			t.Errorf("slept %s, want 1m", time.Since(began))
		}
		wake <- struct{}{}
		began = time.Now()
		if !d.Sleep(time.Minute, wake) || time.Since(began) != 0 {
			t.Errorf("slept %s though it was woken", time.Since(began))
		}
		go func() {
			time.Sleep(time.Second)
			d.Advance(time.Now().Add(time.Hour))
		}()
		if d.Sleep(time.Minute, wake) || time.Since(began) != time.Second {
			t.Errorf("slept %s after the deadline was set", time.Since(began))
		}
	})
}
