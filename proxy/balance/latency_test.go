package balance_test

import (
	"math"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/balance"
)

func TestLatency(t *testing.T) {
	var l balance.Latency
	now := time.Unix(1000, 0)
	expect := func(want float64) {
		t.Helper()
		if got := l.Score(now); math.Abs(got-want) > 1e-9 {
			t.Errorf("got %f s, want %f s", got, want)
		}
	}
	expect(0)
	l.Observe(100*time.Millisecond, true, now)
	expect(0.1)
	l.Observe(time.Second, true, now)
	expect(1) // at once
	l.Observe(0, true, now)
	expect(1) // not at once
	now = now.Add(10 * time.Second)
	expect(1 / math.E)
	l.Observe(0, true, now)
	expect(1 / math.E)
	l.Observe(time.Millisecond, false, now)
	expect(10)
	now = now.Add(-time.Hour) // a clock that was set back
	expect(10)
}

func TestFaster(t *testing.T) {
	now := time.Unix(1000, 0)
	endpoints := make([]balance.Latency, 3)
	endpoints[1].Observe(time.Second, true, now)
	of := func(i int) *balance.Latency { return &endpoints[i] }
	var drawn [3]int
	for range 1000 {
		drawn[balance.Faster(3, of, now)]++
	}
	// The slow one always meets a faster one; a fair coin is outside of these limits once in 10^30.
	if drawn[1] != 0 || drawn[0] < 300 || drawn[2] < 300 {
		t.Errorf("got %v", drawn)
	}
	if balance.Faster(1, of, now) != 0 {
		t.Error("the only endpoint is not selected")
	}
	if n := testing.AllocsPerRun(100, func() {
		endpoints[balance.Faster(3, of, now)].Observe(time.Millisecond, true, now)
	}); n != 0 {
		t.Errorf("%f allocations", n)
	}
}
