package compare

import (
	"context"
	"errors"
	"slices"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
)

// reduce replaces the request of each finding by the smallest that shows the same. Requests are sent one after the other, so that
// they don't change each other's answers.
func (r *runner) reduce(ctx context.Context) error {
	probes := r.probesByID()
	all := 0
	for c := range r.report.Candidates {
		all += len(r.report.Candidates[c].Findings)
	}
	done := 0
	for c := range r.report.Candidates {
		for i := range r.report.Candidates[c].Findings {
			finding := &r.report.Candidates[c].Findings[i]
			if err := r.reduceOne(ctx, finding, probes[finding.ID], r.candidates[c]); err != nil {
				return err
			}
			done++
			r.progress(stageReduction, done, all)
		}
	}
	return nil
}

func (r *runner) probesByID() map[string]*derive.Probe {
	probes := map[string]*derive.Probe{}
	for i := range r.plan.Probes {
		probes[r.plan.Probes[i].ID] = &r.plan.Probes[i]
	}
	return probes
}

func (r *runner) reduceOne(ctx context.Context, finding *comparison.Finding, probe *derive.Probe, candidate Session) error {
	smallest, err := r.smallest(ctx, finding, probe, candidate)
	if err != nil {
		return err
	}
	if smallest != probe {
		// It has to show it every time.
		outcome, err := r.confirmer.confirm(ctx, suspect{probe: smallest, candidate: candidate, whoAnswers: hasOutcome(finding.Differences)})
		switch {
		case err != nil:
			return err
		case outcome.Finding == nil || !sameDifferences(outcome.Finding.Differences, finding.Differences):
			smallest = probe
		default:
			finding.Request, finding.Curl = outcome.Finding.Request, outcome.Finding.Curl
			finding.Differences, finding.Want, finding.Got = outcome.Finding.Differences, outcome.Finding.Want, outcome.Finding.Got
		}
	}
	if finding.Explanation, err = explanation(ctx, smallest, candidate); err != nil || finding.Explanation != "" {
		return err
	}
	finding.ReferenceExplanation, err = explanation(ctx, smallest, r.asker.reference)
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
		return x.What == y.What && (!isOutcome(x) || x == y)
	})
}
