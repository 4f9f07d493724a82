package balance

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Latency is how long an endpoint takes to answer: a moving average that rises to a longer time immediately, and falls to a
// shorter one with time (peak EWMA). The zero value is an endpoint that was never used. Its methods may be called
// concurrently; of two observations at the same time one may be lost.
type Latency struct {
	mean atomic.Uint64 // in seconds, the bits of a float64
	last atomic.Int64  // when it was observed, in nanoseconds since 1970
}

const (
	// decay is the time in which what was observed loses its weight, all but 1/e: that of ingress-nginx.
	decay = 10 * time.Second
	// failed is what a request counts that an endpoint has not answered: one that refuses connections is fast.
	failed = 10 * time.Second
)

// Observe records how long the header of a reply took; ok is false if there was none.
func (l *Latency) Observe(took time.Duration, ok bool, now time.Time) {
	if !ok {
		took = max(took, failed)
	}
	seconds := took.Seconds()
	mean, weight := l.decayed(now)
	if seconds < mean {
		seconds = mean*weight + seconds*(1-weight)
	}
	l.mean.Store(math.Float64bits(seconds))
	l.last.Store(now.UnixNano())
}

// Score is the average as it counts now, in seconds: it falls while nothing is observed, so that a slow endpoint is
// tried again.
func (l *Latency) Score(now time.Time) float64 {
	mean, weight := l.decayed(now)
	return mean * weight
}

func (l *Latency) decayed(now time.Time) (mean, weight float64) {
	since := time.Duration(now.UnixNano() - l.last.Load())
	return math.Float64frombits(l.mean.Load()), math.Exp(-max(since, 0).Seconds() / decay.Seconds())
}

// Faster returns the faster of two endpoints out of n that are drawn at random, by index. n must be positive.
func Faster(n int, of func(index int) *Latency, now time.Time) int {
	if n == 1 {
		return 0
	}
	one, other := rand.IntN(n), rand.IntN(n-1) //nolint:gosec // a share of the traffic need not be unpredictable
	if other >= one {
		other++
	}
	if of(other).Score(now) < of(one).Score(now) {
		return other
	}
	return one
}
