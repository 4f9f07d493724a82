package date

import (
	"testing"
	"time"
)

func TestAt(t *testing.T) {
	var cache Cache
	start := time.Date(2026, time.March, 1, 23, 59, 59, 0, time.FixedZone("", 3600))
	for after, want := range map[time.Duration]string{
		0:                      "Sun, 01 Mar 2026 22:59:59 GMT",
		999 * time.Millisecond: "Sun, 01 Mar 2026 22:59:59 GMT",
		time.Second:            "Sun, 01 Mar 2026 23:00:00 GMT",
	} {
		for range 2 { // the second time from the cache
			if got := cache.At(start.Add(after)); got != want {
				t.Errorf("after %s: got %q, want %q", after, got, want)
			}
		}
	}
	if allocations := testing.AllocsPerRun(100, func() { cache.At(start) }); allocations > 0 {
		t.Errorf("%v allocations within a second", allocations)
	}
}
