package compare

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
)

// reduce replaces the request of each finding by the smallest that shows the same.
func (r *runner) reduce(ctx context.Context) error {
	probes := r.probesByID()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.options.Parallel))
	for c := range r.report.Candidates {
		candidate := r.candidates[c]
		for i := range r.report.Candidates[c].Findings {
			finding := &r.report.Candidates[c].Findings[i]
			group.Go(func() error { return r.reduceOne(ctx, finding, probes[finding.ID], candidate) })
		}
	}
	return group.Wait()
}

func (r *runner) probesByID() map[string]*derive.Probe {
	probes := map[string]*derive.Probe{}
	for i := range r.plan.Probes {
		probes[r.plan.Probes[i].ID] = &r.plan.Probes[i]
	}
	return probes
}

func (r *runner) reduceOne(ctx context.Context, finding *comparison.Finding, probe *derive.Probe, candidate Session) error {
	if probe.Judge != derive.Equal {
		return nil
	}
	smallest, reduced := *probe, false
	for again := true; again; {
		again = false
		for _, smaller := range probe.Simpler(&smallest) {
			if r.plan.Owner(&smaller).Ingress != finding.Ingress {
				continue // it would be about another Ingress
			}
			want, err := r.ask(ctx, r.reference, &smaller)
			if err != nil {
				return err
			}
			got, err := r.ask(ctx, candidate, &smaller)
			if err != nil {
				return err
			}
			if shows(&smaller, want, got, finding) {
				smallest, reduced, again = smaller, true, true
				break
			}
		}
	}
	if !reduced {
		return nil
	}
	// The smallest request has to show it every time.
	want, err := r.ask(ctx, r.reference, &smallest)
	if err != nil {
		return err
	}
	outcome, err := r.compare(ctx, &smallest, want, candidate)
	if err != nil || outcome.Finding == nil || !sameDifferences(outcome.Finding.Differences, finding.Differences) {
		return err
	}
	finding.Request, finding.Curl = outcome.Finding.Request, outcome.Finding.Curl
	finding.Differences, finding.Want, finding.Got = outcome.Finding.Differences, outcome.Finding.Want, outcome.Finding.Got
	return nil
}

// shows reports whether the answers differ in the same way as those of a finding.
func shows(probe *derive.Probe, want, got judge.Observation, finding *comparison.Finding) bool {
	var differences []comparison.Difference
	for _, d := range judge.Differences(probe, want, got) {
		differences = append(differences, comparison.Difference{What: d.What, Want: d.Want, Got: d.Got})
	}
	return sameDifferences(differences, finding.Differences)
}

// sameDifferences reports whether the same parts differ. The status and the backend have to be the same, too; other values
// depend on the request.
func sameDifferences(a, b []comparison.Difference) bool {
	return slices.EqualFunc(a, b, func(x, y comparison.Difference) bool {
		outcome := x.What == "status" || x.What == "backend"
		return x.What == y.What && (!outcome || x == y)
	})
}
