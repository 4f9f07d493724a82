// Package schedule decides which scenarios of a run may run at the same time. Each has its own namespace and host names, but
// all share the cluster and its nodes, and those of a lane an ingress controller: those that change or measure these run alone.
package schedule

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// Claim is what a scenario shares with others, and how.
type Claim struct {
	// Lane numbers the ingress controller that the scenario uses, from 0.
	Lane int
	// Settings of the controller while the scenario runs, in a form that is equal for equal ones; "" for the default ones.
	// Scenarios of a lane that run at the same time have equal ones.
	Settings string
	// Sole is whether no other scenario of the lane may run at the same time.
	Sole bool
	// Alone is whether no other scenario of any lane may run at the same time.
	Alone bool
}

// Schedule lets the scenarios of a run begin. Its methods may be called from several goroutines.
type Schedule struct {
	claims []Claim // by position
	limit  int
	// turns are closed when the scenarios may begin, by position.
	turns []chan struct{}

	mu    sync.Mutex
	lanes []lane
	// running counts scenarios of all lanes, and alone is set while one runs that has to be.
	running int
	alone   bool
}

// lane is the state of the scenarios that use one controller.
type lane struct {
	queue    []int // positions that have not begun, in the order in which they will
	running  int
	settings string // of those that are running
	sole     bool   // set while one runs that has to be the only one
}

// New returns the schedule of a run with the claims of its scenarios, by position, and the most that run at the same time.
//
// In each lane, scenarios with equal settings come together, so that the controller changes less often: first those with the
// default ones, then those with others, and then those that have to be the only one, each in the order of their positions. If
// the limit is 1, all begin in the order of their positions.
func New(claims []Claim, limit int) *Schedule {
	s := &Schedule{claims: claims, limit: max(limit, 1)}
	for position, claim := range claims {
		s.turns = append(s.turns, make(chan struct{}))
		if s.limit == 1 {
			claim.Lane = 0
		}
		for len(s.lanes) <= claim.Lane {
			s.lanes = append(s.lanes, lane{})
		}
		s.lanes[claim.Lane].queue = append(s.lanes[claim.Lane].queue, position)
	}
	if s.limit > 1 {
		for _, one := range s.lanes {
			s.order(one.queue)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch()
	return s
}

// order sorts the positions of a lane.
func (s *Schedule) order(queue []int) {
	first := map[string]int{} // of scenarios that share settings, by these
	for index, position := range queue {
		if _, seen := first[s.claims[position].Settings]; !seen {
			first[s.claims[position].Settings] = index
		}
	}
	rank := func(position int) int {
		switch claim := s.claims[position]; {
		case claim.Sole || claim.Alone:
			return len(queue)
		case claim.Settings == "":
			return -1
		default:
			return first[claim.Settings]
		}
	}
	slices.SortStableFunc(queue, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
}

// Begin waits for the turn of a scenario. Each position begins once. All have to wait at the same time, because they don't
// begin in the order of their positions. The error is the cause of the end of ctx; without one, the caller calls End.
func (s *Schedule) Begin(ctx context.Context, position int) error {
	select {
	case <-s.turns[position]:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End ends a scenario that has begun.
func (s *Schedule) End(position int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.lane(position)
	one.running--
	one.sole = false
	s.running--
	s.alone = false
	s.dispatch()
}

func (s *Schedule) lane(position int) *lane {
	if s.limit == 1 {
		return &s.lanes[0]
	}
	return &s.lanes[s.claims[position].Lane]
}

// dispatch lets scenarios begin that may. The caller holds s.mu.
func (s *Schedule) dispatch() {
	for i := range s.lanes {
		// While one waits that has to be alone, no other begins: it would wait for long.
		one := &s.lanes[i]
		if len(one.queue) == 0 || one.running > 0 || !s.claims[one.queue[0]].Alone {
			continue
		}
		if s.running == 0 {
			s.begin(one)
		}
		return
	}
	for i := range s.lanes {
		for one := &s.lanes[i]; s.mayBegin(one); {
			s.begin(one)
		}
	}
}

// mayBegin reports whether the next scenario of a lane may begin, if it need not be alone.
func (s *Schedule) mayBegin(one *lane) bool {
	if len(one.queue) == 0 || s.alone || s.running >= s.limit || one.sole {
		return false
	}
	next := s.claims[one.queue[0]]
	return !next.Alone && (one.running == 0 || !next.Sole && next.Settings == one.settings)
}

func (s *Schedule) begin(one *lane) {
	position := one.queue[0]
	claim := s.claims[position]
	one.queue = one.queue[1:]
	one.running++
	one.settings, one.sole = claim.Settings, claim.Sole
	s.running++
	s.alone = claim.Alone
	close(s.turns[position])
}
