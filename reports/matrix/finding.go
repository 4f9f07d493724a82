package matrix

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Finding is a failure of one or more scenarios in one or more runs.
type Finding struct {
	Effect effect.Effect
	Status results.Status
	// Message is that of the first of the runs. The others have the same but for what only one run has, such as addresses.
	Message string
	// Runs in which the scenarios failed in this way, in order.
	Runs []int
	// Others are the runs of each other outcome, those left out in which nothing ran.
	Others []Group
	// Expected is whether the reference is one of the runs, so that the failure says nothing about the others.
	Expected bool
	Places   []Place
}

// Place is a scenario of a feature.
type Place struct {
	Feature  *Feature
	Scenario *Scenario
}

// Findings are the failures of all runs, the gravest first, and last those that the reference has, too. Failures that are
// equal in several runs are one finding, and so are equal failures of several scenarios in the same runs.
func (m *Matrix) Findings() []Finding {
	compared := m.columns().compared()
	var findings []Finding
	index := map[string]int{}
	for i := range m.Features {
		for j := range m.Features[i].Scenarios {
			place := Place{&m.Features[i], &m.Features[i].Scenarios[j]}
			for _, group := range groups(place.Scenario, compared) {
				if !group.Status.Failing() {
					continue
				}
				found := m.finding(place, group, compared)
				key := found.key(place, group)
				at, known := index[key]
				if !known {
					at = len(findings)
					index[key] = at
					findings = append(findings, found)
				}
				findings[at].Places = append(findings[at].Places, place)
			}
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(compareBools(a.Expected, b.Expected), cmp.Compare(b.Effect, a.Effect), cmp.Compare(len(b.Runs), len(a.Runs)))
	})
	return findings
}

func (m *Matrix) finding(place Place, group Group, compared []int) Finding {
	found := Finding{
		Effect: place.Scenario.Outcomes[group.Runs[0]].Effect, Status: group.Status, Message: group.Message, Runs: group.Runs,
		Expected: slices.Contains(group.Runs, m.reference),
	}
	for _, other := range groups(place.Scenario, compared) {
		if !slices.Equal(other.Runs, group.Runs) {
			found.Others = append(found.Others, other)
		}
	}
	return found
}

// key is the same for failures that are one finding.
func (f *Finding) key(place Place, group Group) string {
	key := string(f.Status) + "\x00" + f.Effect.String() + "\x00" + group.identity
	for _, g := range append([]Group{{Runs: f.Runs}}, f.Others...) {
		key += "\x00" + string(g.Status)
		for _, run := range g.Runs {
			key += " " + strconv.Itoa(run)
		}
	}
	if group.identity == "" {
		key += "\x00" + place.Feature.File + "\x00" + place.Scenario.Name // without a reason they may be different
	}
	return key
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// EffectCount is how many scenarios have failures of an effect.
type EffectCount struct {
	Effect effect.Effect
	// Scenarios counts those of all runs, and ByRun those of each; a scenario counts once, with the gravest effect it has.
	Scenarios int
	ByRun     []int
}

// Effects counts the scenarios by the effect of their failures, the gravest first; those without a failure are left out.
func (m *Matrix) Effects() []EffectCount {
	var counts []EffectCount
	for _, e := range append(effect.All(), effect.None) {
		count := EffectCount{Effect: e, ByRun: make([]int, len(m.Runs))}
		for i := range m.Features {
			for j := range m.Features[i].Scenarios {
				gravest, failed := m.Features[i].Scenarios[j].gravest()
				if failed && gravest == e {
					count.Scenarios++
				}
				for run, o := range m.Features[i].Scenarios[j].Outcomes {
					if o.Status.Failing() && o.Effect == e {
						count.ByRun[run]++
					}
				}
			}
		}
		if count.Scenarios > 0 || slices.Max(append(count.ByRun, 0)) > 0 {
			counts = append(counts, count)
		}
	}
	return counts
}

// gravest is the gravest effect that a scenario has in a run in which it failed.
func (s *Scenario) gravest() (gravest effect.Effect, failed bool) {
	for _, o := range s.Outcomes {
		if o.Status.Failing() {
			gravest, failed = max(gravest, o.Effect), true
		}
	}
	return gravest, failed
}
