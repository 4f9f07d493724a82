package usage

import (
	"context"
	"time"
)

// Recorder measures at intervals until it is stopped.
type Recorder struct {
	stop    context.CancelFunc
	ended   chan struct{}
	samples []Sample
	err     error
}

// Record starts to measure.
func Record(ctx context.Context, source Source) *Recorder {
	ctx, stop := context.WithCancel(ctx)
	r := &Recorder{stop: stop, ended: make(chan struct{})}
	go r.run(ctx, source)
	return r
}

// Stop ends the measurements and returns the samples. There may be fewer than two, as in a short time; the error says why, if
// no measurement succeeded.
func (r *Recorder) Stop() ([]Sample, error) {
	r.stop()
	<-r.ended
	if len(r.samples) > 0 {
		return r.samples, nil
	}
	return nil, r.err
}

func (r *Recorder) run(ctx context.Context, source Source) {
	defer close(r.ended)
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	var last map[string]Reading
	var at time.Time // of the last
	for {
		now, err := read(ctx, source)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.err = err
		case last == nil:
			last, at = now, time.Now()
		default:
			if sample, ok := compare(last, now, time.Since(at)); ok {
				last, at = now, time.Now()
				sample.At = at
				r.samples = append(r.samples, sample)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func read(ctx context.Context, source Source) (map[string]Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return source.Read(ctx)
}

// compare returns what Pods used between two readings, which are apart by that long. It is not known while all of the second
// repeat the first.
func compare(before, now map[string]Reading, apart time.Duration) (sample Sample, known bool) {
	for uid, reading := range now {
		sample.Memory += reading.Memory
		former, running := before[uid]
		if !running {
			former = Reading{At: reading.Started}
		}
		since := reading.At.Sub(former.At)
		if since <= 0 {
			continue
		}
		if running && (since-apart).Abs() < time.Second { // the API's times are whole seconds
			since = apart
		}
		sample.CPU += float64(reading.CPU-former.CPU) / float64(since)
		known = true
	}
	return sample, known
}
