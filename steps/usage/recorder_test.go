package usage_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/steps/usage"
)

// source measures Pods that use a constant share of a core each, in steps of a resolution.
type source struct {
	began      time.Time
	resolution time.Duration
	rounded    bool // the times of measurements are whole seconds
	// pods by UID: when each is started, how many cores it uses.
	pods map[string]struct {
		started time.Duration
		cores   float64
	}
	err error
}

func (s source) Read(context.Context) (map[string]usage.Reading, error) {
	readings := map[string]usage.Reading{}
	for uid, pod := range s.pods {
		started, at := s.began.Add(pod.started), time.Now().Truncate(s.resolution)
		if at.After(started) {
			reading := usage.Reading{
				At: at, Started: started, CPU: time.Duration(pod.cores * float64(at.Sub(started))), Memory: 1 << 20,
			}
			if s.rounded {
				reading.At = at.Truncate(time.Second)
			}
			readings[uid] = reading
		}
	}
	return readings, s.err
}

func record(t *testing.T, s source, length time.Duration) (samples []usage.Sample, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		s.began = time.Now()
		time.Sleep(time.Second) // by the clock of synctest
		recorder := usage.Record(context.Background(), s)
		time.Sleep(length + time.Millisecond)
		samples, err = recorder.Stop()
	})
	return samples, err
}

type pods = map[string]struct {
	started time.Duration
	cores   float64
}

func TestPodsAreAdded(t *testing.T) {
	samples, err := record(t, source{resolution: time.Millisecond, pods: pods{
		"one": {0, 0.5}, "two": {0, 0.25}, "later": {1700 * time.Millisecond, 1},
	}}, 2*time.Second)
	if err != nil || len(samples) != 4 {
		t.Fatalf("%d samples in 2 s, error %v", len(samples), err)
	}
	for i, want := range []usage.Sample{{CPU: 0.75, Memory: 2 << 20}, {CPU: 1.75, Memory: 3 << 20}, {CPU: 1.75, Memory: 3 << 20}, {CPU: 1.75, Memory: 3 << 20}} {
		if got := samples[i]; math.Abs(got.CPU-want.CPU) > 0.01 || got.Memory != want.Memory {
			t.Errorf("sample %d: %.3f cores, %d bytes, want %.3f and %d", i, got.CPU, got.Memory, want.CPU, want.Memory)
		}
	}
}

// A kubelet repeats its measurements for a while: that is no sign that nothing was used.
func TestRepeatedMeasurements(t *testing.T) {
	samples, err := record(t, source{resolution: 2 * time.Second, pods: pods{"one": {-10 * time.Second, 0.5}}}, 8*time.Second)
	if err != nil || len(samples) < 3 || len(samples) > 4 {
		t.Fatalf("%d samples of a node that measures four times, error %v", len(samples), err)
	}
	for _, sample := range samples {
		if math.Abs(sample.CPU-0.5) > 0.01 {
			t.Errorf("%.3f cores, want 0.5", sample.CPU)
		}
	}
}

// The times of the Summary API are whole seconds, with which half a second of a Pod's time would count as one of none.
func TestRoundedTimes(t *testing.T) {
	samples, err := record(t, source{resolution: time.Millisecond, rounded: true, pods: pods{"one": {-10 * time.Second, 0.5}}}, 4*time.Second)
	if err != nil || len(samples) < 3 {
		t.Fatalf("%d samples, error %v", len(samples), err)
	}
	for _, sample := range samples {
		if math.Abs(sample.CPU-0.5) > 0.01 {
			t.Errorf("%.3f cores, want 0.5", sample.CPU)
		}
	}
}

func TestTheErrorIsReturned(t *testing.T) {
	forbidden := errors.New("forbidden")
	if samples, err := record(t, source{resolution: time.Millisecond, err: forbidden}, time.Second); !errors.Is(err, forbidden) || samples != nil {
		t.Errorf("%v, error %v", samples, err)
	}
}
