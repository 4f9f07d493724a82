// Package mutants finds out which scenarios notice that the proxy serves a wrong table, for each way in which package mutant
// makes tables wrong. It shows that scenarios can fail, and that a failure points to its cause: a mutant of a policy has to
// be found by scenarios about that policy, and by no others.
//
// Scenarios run in process. A mutant changes nothing for a scenario whose tables don't have its subject, so that only the
// others are run with it.
package mutants

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/proxy/mutant"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/inprocess"
)

// Survey is what became of all mutants.
type Survey struct {
	Findings []Finding
	// Others is whether scenarios about something else were run, too.
	Others bool
	// Ran is how many scenarios ran; LeftOut are the others.
	Ran     int
	LeftOut []LeftOut
	// NotSame are mutants of mutant.Same that differ from a table, with the scenario.
	NotSame []string

	mu   sync.Mutex
	took []time.Duration // by scenario, without a mutant
}

// Finding is what became of a mutant.
type Finding struct {
	Mutant mutant.Mutant
	// Affected is how many scenarios have tables with the subject.
	Affected int
	// Found are the scenarios that fail with the mutant, in the order of the files.
	Found []Failure
}

// Failure is a scenario that fails.
type Failure struct {
	Scenario inprocess.Scenario
	Reason   string
}

// LeftOut is a scenario that can't run without a cluster.
type LeftOut struct {
	Scenario inprocess.Scenario
	Reason   string
}

// Options of a survey.
type Options struct {
	Files     fs.FS
	Scenarios []inprocess.Scenario
	Mutants   []mutant.Mutant
	// Others runs the scenarios that are about something else and don't need the subject, too; they must not fail.
	Others bool
	// First ends the search for a mutant with the first scenario that finds it. The shortest ones are run first.
	First bool
	// Parallel is how many scenarios run at the same time.
	Parallel int

	certificate func() (tls.Certificate, error)
}

// Run runs each scenario without and with mutants. It is an error if one fails without.
func Run(ctx context.Context, o Options) (*Survey, error) {
	if !o.Others {
		o.Scenarios = slices.DeleteFunc(slices.Clone(o.Scenarios), func(s inprocess.Scenario) bool {
			return !slices.ContainsFunc(o.Mutants, func(m mutant.Mutant) bool { return isMeant(m.Subject, s) })
		})
	}
	o.certificate = sync.OnceValues(inprocess.NewCertificate)
	survey := &Survey{Others: o.Others}
	affected, err := survey.baseline(ctx, o)
	if err != nil {
		return nil, err
	}
	var failures sync.Map // of position
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Parallel)
	for _, j := range survey.jobs(o, affected) {
		group.Go(func() error {
			for _, number := range j.scenarios {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if reason, fails := failsAlways(ctx, o, o.Scenarios[number], o.Mutants[j.mutant]); fails {
					failures.Store(position{j.mutant, number}, reason)
					if o.First {
						break
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("running scenarios with mutants: %w", err)
	}
	dropDoubtful(ctx, o, &failures)
	for m := range o.Mutants {
		survey.Findings = append(survey.Findings, findingOf(o, m, affected, &failures))
	}
	return survey, nil
}

// dropDoubtful runs scenarios that failed although they are about something else again, one after the other: a busy machine may
// have been the reason.
func dropDoubtful(ctx context.Context, o Options, failures *sync.Map) {
	failures.Range(func(found, _ any) bool {
		at := found.(position) //nolint:forcetypeassert // as stored
		scenario, with := o.Scenarios[at.scenario], o.Mutants[at.mutant]
		if !isMeant(with.Subject, scenario) {
			if _, fails := failsAlways(ctx, o, scenario, with); !fails {
				failures.Delete(at)
			}
		}
		return true
	})
}

// findingOf is the Finding of a mutant, whose index is given.
func findingOf(o Options, m int, affected []map[int]bool, failures *sync.Map) Finding {
	finding := Finding{Mutant: o.Mutants[m]}
	for s, scenario := range o.Scenarios {
		if affected[s][m] {
			finding.Affected++
		}
		if reason, failed := failures.Load(position{m, s}); failed {
			finding.Found = append(finding.Found, Failure{scenario, reason.(string)})
		}
	}
	return finding
}

// attempts is how often a scenario has to fail to find a mutant, and is run alone without one if it failed beside others: a
// few scenarios measure time or chance, which a busy machine or bad luck can spoil.
const attempts = 2

// failsAlways reports whether a scenario fails with a mutant in all attempts.
func failsAlways(ctx context.Context, o Options, scenario inprocess.Scenario, with mutant.Mutant) (reason string, fails bool) {
	for range attempts {
		result := scenario.Run(ctx, o.Files, inprocess.Options{Change: with.Apply, Certificate: o.certificate})
		if result.Status != results.Failed {
			return "", false
		}
		reason = result.Reason
	}
	return reason, true
}

// position is a mutant and a scenario.
type position struct{ mutant, scenario int }

// job runs scenarios with a mutant, one after the other.
type job struct {
	mutant    int
	scenarios []int
	took      time.Duration // without the mutant
}

// jobs are what is to be run. Those that take longest come first: most of them only wait.
func (s *Survey) jobs(o Options, affected []map[int]bool) []job {
	var all []job
	for m, one := range o.Mutants {
		start := len(all)
		for number, scenario := range o.Scenarios {
			if affected[number][m] && (isMeant(one.Subject, scenario) || o.Others && isOther(one.Subject, scenario)) {
				all = append(all, job{m, []int{number}, s.took[number]})
			}
		}
		if o.First && len(all) > start {
			all = append(all[:start], s.joined(all[start:]))
		}
	}
	slices.SortStableFunc(all, func(a, b job) int { return cmp.Compare(b.took, a.took) })
	return all
}

// joined is one job of several with the same mutant, the shortest first.
func (s *Survey) joined(jobs []job) job {
	whole := job{mutant: jobs[0].mutant}
	for _, one := range jobs {
		whole.scenarios = append(whole.scenarios, one.scenarios...)
		whole.took += one.took
	}
	slices.SortStableFunc(whole.scenarios, func(a, b int) int { return cmp.Compare(s.took[a], s.took[b]) })
	return whole
}

// baseline runs the scenarios without mutants, and returns which mutants change a table of each. What fails beside others is run
// again alone.
func (s *Survey) baseline(ctx context.Context, o Options) ([]map[int]bool, error) {
	scenarios, all := o.Scenarios, o.Mutants
	outcomes := make([]inprocess.Result, len(scenarios))
	affected := make([]map[int]bool, len(scenarios))
	s.took = make([]time.Duration, len(scenarios))
	group, together := errgroup.WithContext(ctx)
	group.SetLimit(o.Parallel)
	for i, scenario := range scenarios {
		group.Go(func() error {
			seen := &subjects{all: all, same: mutant.Same(), changed: map[int]bool{}, notSame: map[string]bool{}}
			started := time.Now()
			outcomes[i] = scenario.Run(together, o.Files, inprocess.Options{Change: seen.observe, Certificate: o.certificate})
			affected[i], s.took[i] = seen.changed, time.Since(started)
			s.add(seen.notSame, scenario)
			return context.Cause(together)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("running scenarios: %w", err)
	}
	for i, scenario := range scenarios {
		for range attempts { // alone
			if outcomes[i].Status != results.Failed {
				break
			}
			outcomes[i] = scenario.Run(ctx, o.Files, inprocess.Options{Certificate: o.certificate})
		}
	}
	for i, scenario := range scenarios {
		switch outcomes[i].Status {
		case results.Passed:
			s.Ran++
		case results.Skipped:
			s.LeftOut = append(s.LeftOut, LeftOut{scenario, outcomes[i].Reason})
			affected[i] = nil
		default:
			return nil, fmt.Errorf("%s fails in process without any mutant: %s", scenario.Place(), outcomes[i].Reason)
		}
	}
	return affected, nil
}

// add records mutants that are supposed not to differ.
func (s *Survey) add(notSame map[string]bool, scenario inprocess.Scenario) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range notSame {
		s.NotSame = append(s.NotSame, name+" differs from a table of "+scenario.Place())
	}
	slices.Sort(s.NotSame)
}

// subjects records which mutants change tables.
type subjects struct {
	all, same []mutant.Mutant
	mu        sync.Mutex
	changed   map[int]bool
	notSame   map[string]bool // by name
}

func (s *subjects) observe(table *route.Table) *route.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.all {
		if !s.changed[i] && one.Changes(table) {
			s.changed[i] = true
		}
	}
	for _, one := range s.same {
		if one.Changes(table) {
			s.notSame[one.Name()] = true
		}
	}
	return table
}
