package lifecycle

import "time"

// Restarts wait longer each time, and start anew after a long good run (Kubernetes documentation, "Container restarts").
const (
	firstDelay = 10 * time.Second
	mostDelay  = 5 * time.Minute
	goodRun    = 10 * time.Minute
)

// backOff says how long to wait before a container is started again. The first restart is immediate.
type backOff struct {
	delay time.Duration
	begun bool
}

// next is the delay after a run of the given length.
func (b *backOff) next(ran time.Duration) time.Duration {
	if ran >= goodRun {
		*b = backOff{}
	}
	wait := b.delay
	switch {
	case !b.begun:
		b.begun = true
		b.delay = firstDelay
		return 0
	default:
		b.delay = min(2*b.delay, mostDelay)
	}
	return wait
}
