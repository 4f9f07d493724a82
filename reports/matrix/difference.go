package matrix

import (
	"slices"

	"github.com/ingress-testbed/testbed/reports/results"
)

// Difference is a scenario with the runs of each outcome.
type Difference struct {
	Place
	Groups []Group
}

// Group is the runs in which a scenario had the same status, for the same reason.
type Group struct {
	Status  results.Status
	Message string // of the first run
	Runs    []int

	identity string // equal for the same failure in several runs
}

// Differences are the scenarios that failed nowhere and whose status is not the same in all runs, such as those that were
// skipped on one kind of cluster. Runs in which no scenario ran are left out: of them the verdict says all.
func (m *Matrix) Differences() []Difference {
	compared := m.columns().compared()
	var chosen []Difference
	for i := range m.Features {
		for j := range m.Features[i].Scenarios {
			place := Place{&m.Features[i], &m.Features[i].Scenarios[j]}
			of := groups(place.Scenario, compared)
			failed := slices.ContainsFunc(of, func(g Group) bool { return g.Status.Failing() })
			same := !slices.ContainsFunc(of, func(g Group) bool { return g.Status != of[0].Status })
			if !failed && !same {
				chosen = append(chosen, Difference{place, of})
			}
		}
	}
	return chosen
}

func groups(s *Scenario, runs []int) []Group {
	var all []Group
	for _, run := range runs {
		o := s.Outcomes[run]
		at := slices.IndexFunc(all, func(g Group) bool { return g.Status == o.Status && g.identity == o.identity })
		if at < 0 {
			at = len(all)
			all = append(all, Group{Status: o.Status, Message: o.Message, identity: o.identity})
		}
		all[at].Runs = append(all[at].Runs, run)
	}
	return all
}
