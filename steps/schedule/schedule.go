// Package schedule decides which scenarios of a run may run at the same time, and with which ingress controller. Each has its own
// namespace and host names, but all share the cluster and its nodes, and a few controllers: those that change or measure these
// can't run beside others.
package schedule

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// Claim is what a scenario needs of what all share.
type Claim struct {
	// First is whether the scenario needs the first controller.
	First bool
	// Settings of the controller while the scenario runs, in a form that is equal for equal ones; "" for the default ones.
	// Scenarios that use a controller at the same time have equal ones.
	Settings string
	// Sole is whether no other scenario may use the controller at the same time.
	Sole bool
	// Alone is whether no other scenario may run at the same time.
	Alone bool
	// Sequence of scenarios, each of which uses what the ones before it have left: they run in the order of their positions, one
	// at a time, and with the same controller; "" for none.
	Sequence string
}

// Schedule lets the scenarios of a run begin. Its methods may be called from several goroutines.
type Schedule struct {
	claims []Claim // by position
	limit  int
	// turns have a value when the scenarios may begin, by position: the index of the controller.
	turns []chan int

	mu          sync.Mutex
	groups      []group // those that no controller has taken, in the order in which they are
	controllers []controller
	// controllerOf has the controllers of scenarios that have begun, by position.
	controllerOf map[int]int
	running      int
	alone        bool // set while a scenario runs that has to be alone
}

// controller is the state of an ingress controller.
type controller struct {
	group   group // whose scenarios use it
	running int
}

// New returns the schedule of a run with the claims of its scenarios, by position, the number of controllers, and the most scenarios
// that run at the same time.
//
// A controller serves a group of scenarios and then the next, so that its settings change rarely; the first controller begins with
// those that need it. First come the scenarios with the default settings, which are many, then sequences, then others, and those that
// have to be alone at last. If the limit is 1, all begin in the order of their positions.
func New(claims []Claim, controllers, limit int) *Schedule {
	s := &Schedule{
		claims: claims, limit: max(limit, 1), controllers: make([]controller, max(controllers, 1)), controllerOf: map[int]int{},
	}
	for range claims {
		s.turns = append(s.turns, make(chan int, 1))
	}
	s.groups = groupsOf(claims, s.limit == 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch()
	return s
}

// Begin waits for the turn of a scenario, and returns the index of the controller that it uses. Each position begins once. All
// have to wait at the same time, because they don't begin in the order of their positions. The error is the cause of the end of ctx;
// without one, the caller calls End.
func (s *Schedule) Begin(ctx context.Context, position int) (controller int, err error) {
	select {
	case controller = <-s.turns[position]:
		return controller, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// End ends a scenario that has begun.
func (s *Schedule) End(position int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controllers[s.controllerOf[position]].running--
	s.running--
	s.alone = false
	s.dispatch()
}

// dispatch lets scenarios begin that may. The caller holds s.mu.
func (s *Schedule) dispatch() {
	for i := range s.controllers {
		s.takeGroup(i)
	}
	// While one waits that has to be alone, no other begins: it would wait for long.
	for i := range s.controllers {
		if position, waits := s.next(i); waits && s.claims[position].Alone {
			if s.running == 0 {
				s.begin(i)
			}
			return
		}
	}
	for s.running < s.limit && !s.alone {
		i, found := s.idlest()
		if !found {
			return
		}
		s.begin(i)
	}
}

// takeGroup gives a controller that is idle the next group that it may serve, if there is one.
func (s *Schedule) takeGroup(index int) {
	one := &s.controllers[index]
	if one.running > 0 || len(one.group.queue) > 0 {
		return
	}
	found := -1
	if index == 0 {
		found = slices.IndexFunc(s.groups, func(g group) bool { return g.first && s.mayTake(g) })
	}
	if found < 0 {
		found = slices.IndexFunc(s.groups, func(g group) bool { return !g.first && s.mayTake(g) })
	}
	if found < 0 {
		return
	}
	one.group = s.groups[found]
	s.groups = slices.Delete(s.groups, found, found+1)
}

// mayTake reports whether it is time for a group: those that have to be alone come last.
func (s *Schedule) mayTake(g group) bool { return !g.alone || !s.busy() }

// busy reports whether any controller has a group that has not ended.
func (s *Schedule) busy() bool {
	return slices.ContainsFunc(s.controllers, func(c controller) bool { return c.running > 0 || len(c.group.queue) > 0 })
}

// next returns the position of the scenario that a controller serves next, if there is one that need not wait for others of its group.
func (s *Schedule) next(index int) (position int, found bool) {
	one := s.controllers[index]
	if len(one.group.queue) == 0 || one.group.serial && one.running > 0 {
		return 0, false
	}
	return one.group.queue[0], true
}

// idlest returns the controller with the fewest running scenarios of those that have a next one.
func (s *Schedule) idlest() (index int, found bool) {
	best := -1
	for i := range s.controllers {
		if _, waits := s.next(i); waits && (best < 0 || s.controllers[i].running < s.controllers[best].running) {
			best = i
		}
	}
	return best, best >= 0
}

func (s *Schedule) begin(index int) {
	one := &s.controllers[index]
	position := one.group.queue[0]
	one.group.queue = one.group.queue[1:]
	one.running++
	s.running++
	s.alone = s.claims[position].Alone
	s.controllerOf[position] = index
	s.turns[position] <- index
}

// group is a number of scenarios that a controller serves before others.
type group struct {
	queue []int // positions of those that have not begun, in the order in which they do
	// first is whether they need the first controller, serial whether they run one at a time, and alone whether they do so while no
	// other scenario of the run does.
	first, serial, alone bool
}

// groupsOf returns the groups of scenarios in the order in which they are served; in order is whether all are one after the other.
func groupsOf(claims []Claim, inOrder bool) []group {
	type key struct {
		sequence, settings string
		first              bool
		position           int // for a group of one
	}
	var keys []key
	groups := map[key]*group{}
	for position, claim := range claims {
		k := key{sequence: claim.Sequence, position: -1}
		switch {
		case inOrder:
			k = key{position: -1}
		case claim.Sequence != "":
		case claim.Sole || claim.Alone:
			k.position = position
		default:
			k.settings, k.first = claim.Settings, claim.First
		}
		if groups[k] == nil {
			groups[k] = &group{serial: inOrder || claim.Sequence != "" || claim.Sole || claim.Alone, alone: claim.Alone && k.position >= 0}
			keys = append(keys, k)
		}
		groups[k].queue = append(groups[k].queue, position)
		groups[k].first = groups[k].first || claim.First
	}
	rank := func(k key) int {
		switch {
		case groups[k].alone:
			return 3
		case k.sequence != "":
			return 1
		case k.position < 0 && k.settings == "":
			return 0
		}
		return 2
	}
	slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(rank(a), rank(b)) })
	ordered := make([]group, 0, len(keys))
	for _, k := range keys {
		ordered = append(ordered, *groups[k])
	}
	return ordered
}
