package matrix

import (
	"slices"

	"github.com/ingress-testbed/testbed/reports/results"
)

// Difference is a scenario with the runs of each outcome.
type Difference struct {
	Feature  *Feature
	Scenario *Scenario
	Groups   []Group
}

// Group is the runs in which a scenario had the same status, for the same reason.
type Group struct {
	Status  results.Status
	Message string
	Runs    []int
}

// Differences are the scenarios whose status is not the same in all runs, those that failed somewhere first. Runs in
// which no scenario ran are left out: of them the verdict says all.
func (m *Matrix) Differences() []Difference {
	different := m.choose(func(statuses []results.Status) bool {
		return slices.ContainsFunc(statuses, func(s results.Status) bool { return s != statuses[0] })
	})
	slices.SortStableFunc(different, func(a, b Difference) int { return rank(a) - rank(b) })
	return different
}

// FailuresEverywhere are the scenarios that failed in the same way in all runs, which therefore aren't differences.
func (m *Matrix) FailuresEverywhere() []Difference {
	return m.choose(func(statuses []results.Status) bool {
		return !slices.ContainsFunc(statuses, func(s results.Status) bool { return s != statuses[0] || !s.Failing() })
	})
}

// rank is less for what asks for more attention.
func rank(d Difference) int {
	if slices.ContainsFunc(d.Groups, func(g Group) bool { return g.Status.Failing() }) {
		return 0
	}
	return 1
}

// choose gives the scenarios that are wanted for their statuses in the runs that can be compared.
func (m *Matrix) choose(wanted func([]results.Status) bool) []Difference {
	var compared []int
	for i := range m.Runs {
		if r := m.Runs[i].Results; r != nil {
			if counts := r.Count(); counts.NotRun < counts.Total {
				compared = append(compared, i)
			}
		}
	}
	if len(compared) == 0 {
		return nil
	}
	var chosen []Difference
	for i := range m.Features {
		for j := range m.Features[i].Scenarios {
			s := &m.Features[i].Scenarios[j]
			var statuses []results.Status
			for _, run := range compared {
				statuses = append(statuses, s.Outcomes[run].Status)
			}
			if wanted(statuses) {
				chosen = append(chosen, Difference{Feature: &m.Features[i], Scenario: s, Groups: groups(s, compared)})
			}
		}
	}
	return chosen
}

func groups(s *Scenario, runs []int) []Group {
	var all []Group
	for _, run := range runs {
		o := s.Outcomes[run]
		at := slices.IndexFunc(all, func(g Group) bool { return g.Status == o.Status && g.Message == o.Message })
		if at < 0 {
			at = len(all)
			all = append(all, Group{Status: o.Status, Message: o.Message})
		}
		all[at].Runs = append(all[at].Runs, run)
	}
	return all
}
