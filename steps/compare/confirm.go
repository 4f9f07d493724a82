package compare

import (
	"context"
	"slices"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	compared "github.com/ingress-testbed/testbed/steps/replay/compare"
)

const (
	// repetitions is how often both sides get a request again when their answers differ.
	repetitions = 2
	// certain is how often they get it again if they differ in who answers, which may be drawn at random. With any weight of a
	// canary, that one side always answers by one backend, and the other by the other, has a chance of less than 1 in 10^12.
	certain = 20
	// flips is how often a request is sent to each side whose answers seem to be drawn at random.
	flips = 100
)

// confirmed is a comparison that holds whenever it is repeated.
type confirmed struct {
	probe       derive.Probe
	want, got   judge.Observation
	differences []compared.Difference
}

// confirm sends a probe again to both sides. A difference counts if every answer of one side has it with every answer of the
// other. If a side doesn't agree with itself on who answers, the shares are compared.
func (r *runner) confirm(ctx context.Context, probe *derive.Probe, want, got judge.Observation, candidate Session) (confirmed, error) {
	wants, gots := []judge.Observation{want}, []judge.Observation{got}
	more := repetitions
	if probe.Judge == derive.Equal && slices.ContainsFunc(judge.Differences(probe, want, got), isAboutWhoAnswers) {
		more = certain
	}
	for range more {
		again, err := r.ask(ctx, r.reference, probe)
		if err != nil {
			return confirmed{}, err
		}
		wants = append(wants, again)
		if again, err = r.ask(ctx, candidate, probe); err != nil {
			return confirmed{}, err
		}
		gots = append(gots, again)
	}
	if more == certain && !(uniform(wants) && uniform(gots)) {
		return r.flip(ctx, probe, candidate)
	}
	return confirmed{probe: *probe, want: want, got: got, differences: intersection(probe, wants, gots)}, nil
}

func isAboutWhoAnswers(d compared.Difference) bool {
	return d.Kind == compared.Status || d.Kind == compared.Backend
}

// uniform reports whether all answers have the same outcome.
func uniform(all []judge.Observation) bool {
	first := judge.Outcome(all[0].Answers[0])
	return !slices.ContainsFunc(all, func(o judge.Observation) bool { return judge.Outcome(o.Answers[0]) != first })
}

// intersection returns the differences that all pairs have.
func intersection(probe *derive.Probe, wants, gots []judge.Observation) (stable []compared.Difference) {
	count := map[string]int{}
	for _, want := range wants {
		for _, got := range gots {
			for _, difference := range judge.Differences(probe, want, got) {
				count[difference.What]++
			}
		}
	}
	pairs := len(wants) * len(gots)
	for _, difference := range judge.Differences(probe, wants[0], gots[0]) {
		if count[difference.What] == pairs {
			stable = append(stable, difference)
		}
	}
	return stable
}

// flip compares how often there is which answer.
func (r *runner) flip(ctx context.Context, probe *derive.Probe, candidate Session) (confirmed, error) {
	many := *probe
	many.Judge, many.Request.Times, many.Request.SameConnection = derive.Share, flips, true
	want, err := r.ask(ctx, r.reference, &many)
	if err != nil {
		return confirmed{}, err
	}
	got, err := r.ask(ctx, candidate, &many)
	if err != nil {
		return confirmed{}, err
	}
	differences := slices.DeleteFunc(judge.Differences(&many, want, got), func(d compared.Difference) bool { return d.Kind != compared.Share })
	return confirmed{probe: many, want: want, got: got, differences: differences}, nil
}
