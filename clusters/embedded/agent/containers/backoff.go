//go:build linux

package containers

import "time"

// The delay before a restart doubles each time, and is reset after a long run (Kubernetes documentation, "Container
// restarts").
const (
	firstDelay = 10 * time.Second
	maxDelay   = 5 * time.Minute
	resetAfter = 10 * time.Minute
)

// backOff computes the delays before the restarts of a container. The first restart is immediate.
type backOff struct {
	delay     time.Duration
	restarted bool
}

// next returns the delay after a run of the given length.
func (b *backOff) next(ran time.Duration) time.Duration {
	if ran >= resetAfter {
		*b = backOff{}
	}
	wait := b.delay
	switch {
	case !b.restarted:
		b.restarted = true
		b.delay = firstDelay
		return 0
	default:
		b.delay = min(2*b.delay, maxDelay)
	}
	return wait
}
