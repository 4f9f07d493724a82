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
	if more == certain && (!uniform(wants) || !uniform(gots)) {
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

// intersection returns the differences that all pairs have which have the outcomes of the first one.
func intersection(probe *derive.Probe, wants, gots []judge.Observation) (stable []compared.Difference) {
	count, pairs := map[string]int{}, 0
	for _, want := range wants {
		for _, got := range gots {
			if !uniform([]judge.Observation{want, wants[0]}) || !uniform([]judge.Observation{got, gots[0]}) {
				continue
			}
			pairs++
			for _, difference := range judge.Differences(probe, want, got) {
				count[difference.What]++
			}
		}
	}
	for _, difference := range judge.Differences(probe, wants[0], gots[0]) {
		if count[difference.What] == pairs {
			stable = append(stable, difference)
		}
	}
	return stable
}

// flip compares how often there is which answer, and, if that is the same, answers with the same outcome.
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
	result := confirmed{probe: many, want: want, got: got}
	for _, difference := range judge.Differences(&many, want, got) {
		if difference.Kind == compared.Share {
			result.differences = []compared.Difference{difference}
			return result, nil
		}
	}
	wants, gots := common(want, got)
	if len(wants) == 0 || len(gots) == 0 {
		return result, nil
	}
	return confirmed{probe: *probe, want: wants[0], got: gots[0], differences: intersection(probe, wants, gots)}, nil
}

// common returns a few answers of both sides with the same outcome, as observations of one answer.
func common(want, got judge.Observation) (wants, gots []judge.Observation) {
	for _, answer := range want.Answers {
		outcome := judge.Outcome(answer)
		if gots = few(got, outcome); len(gots) > 0 {
			return few(want, outcome), gots
		}
	}
	return nil, nil
}

func few(all judge.Observation, outcome string) []judge.Observation {
	var some []judge.Observation
	for _, answer := range all.Answers {
		if judge.Outcome(answer) == outcome && len(some) <= repetitions {
			some = append(some, judge.Observation{Answers: []judge.Answer{answer}})
		}
	}
	return some
}
