package compare

import (
	"context"
	"errors"
	"slices"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
)

// explanations is how many are made at the same time: on a cluster, each is a process in a Pod of the controller.
const explanations = 4

// reducible is a finding whose request is to be reduced.
type reducible struct {
	finding         *comparison.Finding
	probe, smallest *derive.Probe
	candidate       Session
}

// reduce replaces the request of each finding by the smallest that shows the same. Smaller requests are sought many at a time; the
// ones that are found are then confirmed alone.
func (r *runner) reduce(ctx context.Context) error {
	all := r.reducibles()
	if err := r.each(ctx, len(all), func(ctx context.Context, i int) (err error) {
		all[i].smallest, err = r.smallest(ctx, all[i].finding, all[i].probe, all[i].candidate)
		return err
	}); err != nil {
		return err
	}
	for done, one := range all {
		if err := r.replace(ctx, one); err != nil {
			return err
		}
		r.progress(stageReduction, done+1, len(all))
	}
	return each(ctx, explanations, len(all), func(ctx context.Context, i int) error { return r.explain(ctx, all[i]) })
}

func (r *runner) reducibles() []*reducible {
	probes := r.probesByID()
	var all []*reducible
	for c := range r.report.Candidates {
		for i := range r.report.Candidates[c].Findings {
			finding := &r.report.Candidates[c].Findings[i]
			all = append(all, &reducible{finding: finding, probe: probes[finding.ID], candidate: r.candidates[c]})
		}
	}
	return all
}

func (r *runner) probesByID() map[string]*derive.Probe {
	probes := map[string]*derive.Probe{}
	for i := range r.plan.Probes {
		probes[r.plan.Probes[i].ID] = &r.plan.Probes[i]
	}
	return probes
}

// replace replaces the request of a finding by the smallest, if that shows the same every time.
func (r *runner) replace(ctx context.Context, one *reducible) error {
	if one.smallest == one.probe {
		return nil
	}
	finding := one.finding
	outcome, err := r.confirmer.confirm(ctx, suspect{probe: one.smallest, candidate: one.candidate, whoAnswers: hasOutcome(finding.Differences)})
	if err != nil {
		return err
	}
	if outcome.Finding == nil || !sameDifferences(outcome.Finding.Differences, finding.Differences) {
		one.smallest = one.probe
		return nil
	}
	for i := range outcome.Finding.Differences {
		outcome.Finding.Differences[i].Causes = finding.Differences[i].Causes
	}
	finding.Request, finding.Curl = outcome.Finding.Request, outcome.Finding.Curl
	finding.Differences, finding.Want, finding.Got = outcome.Finding.Differences, outcome.Finding.Want, outcome.Finding.Got
	return nil
}

// explain adds the explanation of the candidate's answer or, if there is none, of the reference's.
func (r *runner) explain(ctx context.Context, one *reducible) (err error) {
	finding := one.finding
	if finding.Explanation, err = explanation(ctx, one.smallest, one.candidate); err != nil || finding.Explanation != "" {
		return err
	}
	finding.ReferenceExplanation, err = explanation(ctx, one.smallest, r.asker.reference)
	return err
}

// explanation says how a controller comes to its answer; "" if that isn't known.
func explanation(ctx context.Context, probe *derive.Probe, session Session) (string, error) {
	explainer, ok := session.(Explainer)
	if !ok {
		return "", nil
	}
	text, err := explainer.Explain(ctx, probe)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil && !errors.Is(err, ErrUnsupported):
		return "not explained: " + err.Error(), nil // the finding stands without it
	}
	return text, nil
}

// smallest returns the smallest request that shows what a finding does, as far as one try of each says.
func (r *runner) smallest(ctx context.Context, finding *comparison.Finding, probe *derive.Probe, candidate Session) (*derive.Probe, error) {
	smallest := probe
	for again := probe.Judge == derive.Equal; again; {
		again = false
		for _, smaller := range probe.Simpler(smallest) {
			if r.plan.Owner(&smaller).Ingress != finding.Ingress {
				continue // it would be about another Ingress
			}
			want, err := r.asker.ask(ctx, r.asker.reference, &smaller)
			if err != nil {
				return nil, err
			}
			got, err := r.asker.ask(ctx, candidate, &smaller)
			if err != nil {
				return nil, err
			}
			if shows(&smaller, want, got, finding) {
				smallest, again = &smaller, true
				break
			}
		}
	}
	return smallest, nil
}

// shows reports whether the answers differ in the same way as those of a finding.
func shows(probe *derive.Probe, want, got judge.Observation, finding *comparison.Finding) bool {
	var differences []comparison.Difference
	for _, d := range judge.Differences(probe, want, got) {
		differences = append(differences, comparison.Difference{What: d.What, Want: d.Want, Got: d.Got})
	}
	return sameDifferences(differences, finding.Differences)
}

// hasOutcome reports whether the status or the backend differs.
func hasOutcome(differences []comparison.Difference) bool {
	return slices.ContainsFunc(differences, isOutcome)
}

func isOutcome(d comparison.Difference) bool { return d.What == "status" || d.What == "backend" }

// sameDifferences reports whether the same parts differ. The status and the backend have to be the same, too; other values
// depend on the request.
func sameDifferences(a, b []comparison.Difference) bool {
	return slices.EqualFunc(a, b, func(x, y comparison.Difference) bool {
		return x.What == y.What && (!isOutcome(x) || x.Want == y.Want && x.Got == y.Got)
	})
}
