// Package schedule decides which scenarios of a run may run at the same time. Each has its own namespace and host names, but
// all share the cluster, its nodes and the ingress controller: those that change or measure these run alone.
package schedule

import (
	"context"
	"sync"
)

// Schedule lets the scenarios of a run begin in their order. Its methods may be called from several goroutines.
type Schedule struct {
	alone []bool // by position

	mu      sync.Mutex
	next    int // position of the scenario that begins next
	running int
	// exclusive is set while a scenario runs that has to be alone.
	exclusive bool
	changed   chan struct{} // closed at the next change
}

// New returns the schedule of a run. alone is, by the position of each scenario, whether no other may run at the same time.
func New(alone []bool) *Schedule {
	return &Schedule{alone: alone, changed: make(chan struct{})}
}

// Begin waits for the turn of a scenario: all earlier ones have begun, none is left that this one disturbs or is disturbed
// by. Each position begins once, and all do, because later ones wait for it. The error is the cause of the end of ctx; without one,
// the caller calls End.
func (s *Schedule) Begin(ctx context.Context, position int) error {
	for {
		changed, begun := s.tryBegin(position)
		if begun {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Schedule) tryBegin(position int) (changed <-chan struct{}, begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	alone := s.alone[position]
	if position != s.next || s.exclusive || alone && s.running > 0 {
		return s.changed, false
	}
	s.next++
	s.running++
	s.exclusive = alone
	s.wake()
	return nil, true
}

// End ends a scenario that has begun.
func (s *Schedule) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.exclusive = false
	s.wake()
}

// wake makes all waiting scenarios check again. The caller holds s.mu.
func (s *Schedule) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
