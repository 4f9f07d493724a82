package deadline

import (
	"testing"
	"time"
)

func TestExtend(t *testing.T) {
	var set []time.Time
	var l Lazy
	start := time.Now()
	extend := func(after, limit time.Duration) {
		now := start.Add(after)
		if err := l.Extend(func(at time.Time) error { set = append(set, at); return nil }, now, limit); err != nil {
			t.Fatal(err)
		}
		if left := l.at.Sub(now); left < limit || left > limit+limit/4 {
			t.Errorf("after %v a wait of %v ends after %v", after, limit, left)
		}
	}
	for after := time.Duration(0); after < time.Minute; after += 100 * time.Millisecond {
		extend(after, 60*time.Second)
	}
	if len(set) > 5 {
		t.Errorf("600 waits set the deadline %d times", len(set))
	}
	calls := len(set)
	extend(time.Minute, time.Second)
	extend(time.Minute, time.Hour)
	l.Forget()
	extend(time.Minute, time.Hour)
	if len(set) != calls+3 {
		t.Errorf("other limits, and forgetting, set the deadline %d times, want 3", len(set)-calls)
	}
}
