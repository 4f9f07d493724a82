// Package deadline provides a point in time that can be brought forward, such as the end of a Pod's grace period.
package deadline

import (
	"sync"
	"time"
)

// Deadline is a point in time that is set once and can then only be brought forward, as by a second deletion of a Pod with
// a shorter grace period.
type Deadline struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
	set     chan struct{} // closed when there is a deadline at all
}

// New returns a deadline that isn't set.
func New() *Deadline {
	return &Deadline{changed: make(chan struct{}), set: make(chan struct{})}
}

// Advance sets the deadline, or brings it forward if it was later.
func (d *Deadline) Advance(at time.Time) {
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

// Set is closed once there is a deadline.
func (d *Deadline) Set() <-chan struct{} { return d.set }

// IsSet is true once there is a deadline.
func (d *Deadline) IsSet() bool {
	select {
	case <-d.set:
		return true
	default:
		return false
	}
}

// Get returns the deadline, zero if it isn't set, and a channel that is closed when it changes.
func (d *Deadline) Get() (at time.Time, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at, d.changed
}

// Wait returns true when done is closed, or false when the deadline passes first. The deadline must be set.
func (d *Deadline) Wait(done <-chan struct{}) bool {
	for {
		at, changed := d.Get()
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

// Sleep waits for a duration or until wake is readable. It returns false at once when the deadline is set.
func (d *Deadline) Sleep(duration time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-d.set:
		return false
	}
	return true
}
