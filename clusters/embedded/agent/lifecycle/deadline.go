package lifecycle

import (
	"sync"
	"time"
)

// deadline is a moment that can be set once and then only be brought forward, as a second, more impatient deletion of
// a Pod does.
type deadline struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
	set     chan struct{} // closed when there is a deadline at all
}

func newDeadline() *deadline {
	return &deadline{changed: make(chan struct{}), set: make(chan struct{})}
}

// bring sets the deadline, or brings it forward if it was later.
func (d *deadline) bring(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.at.IsZero() && !at.Before(d.at) {
		return
	}
	if d.at.IsZero() {
		close(d.set)
	}
	d.at = at
	close(d.changed)
	d.changed = make(chan struct{})
}

// isSet is true once there is a deadline.
func (d *deadline) isSet() bool {
	select {
	case <-d.set:
		return true
	default:
		return false
	}
}

func (d *deadline) get() (time.Time, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at, d.changed
}

// waitFor returns true when done is closed, or false when the deadline passes first.
func (d *deadline) waitFor(done <-chan struct{}) bool {
	for {
		at, changed := d.get()
		timer := time.NewTimer(time.Until(at))
		select {
		case <-done:
			timer.Stop()
			return true
		case <-timer.C:
			return false
		case <-changed:
			timer.Stop()
		}
	}
}
