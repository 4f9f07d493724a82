package compare

import (
	"context"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	compared "github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

const (
	// repetitions is how often both sides get a request when their answers differ.
	repetitions = 3
	// certain is how often they get it if they differ in who answers, which may be drawn at random. With any weight of a
	// canary, that one side always answers by one backend, and the other by the other, has a chance of less than 1 in 10^12.
	certain = 21
	// flips is how often a request is sent to each side whose answers seem to be drawn at random, and moreFlips how often if the shares
	// may or may not be the same: chance makes as large a difference with a probability below doubtful.
	flips, moreFlips = 100, 1000
	doubtful         = 0.05
)

// pauses are the default of Options.Pauses.
func pauses() []time.Duration { return []time.Duration{time.Second, 4 * time.Second} }

// suspect is a request whose answers differed while others were sent.
type suspect struct {
	probe     *derive.Probe
	candidate Session
	// whoAnswers is whether they differed in who answers, which may be drawn at random.
	whoAnswers bool
	// wants are the reference's answers when the request is sent again.
	wants *referenceAnswers
}

// confirmed is a comparison that holds whenever it is repeated.
type confirmed struct {
	probe       derive.Probe
	want, got   judge.Observation
	differences []compared.Difference
}

// confirmer repeats the requests of suspects.
type confirmer struct {
	asker *asker
	plan  *derive.Plan
	// pauses are those before a request is sent again whose answers can't be judged.
	pauses []time.Duration
}

// confirm sends the request of a suspect again to both sides; the caller sends nothing else meanwhile. A difference counts if
// every answer of one side has it with every answer of the other. If a side doesn't agree with itself on who answers, the shares
// are compared. Answers that a broken connection has changed are waited out: what stays so can't be judged.
func (f *confirmer) confirm(ctx context.Context, s suspect) (Outcome, error) {
	if s.wants == nil {
		s.wants = f.asker.referenceAnswers(s.probe)
	}
	last := Outcome{}
	for _, pause := range append([]time.Duration{0}, f.pauses...) {
		if err := sleep(ctx, pause); err != nil {
			return Outcome{}, err
		}
		if pause > 0 {
			s.wants.forget()
		}
		c, unjudged, err := f.repeat(ctx, s)
		if err != nil {
			return Outcome{}, err
		}
		if unjudged == "" {
			return f.outcome(s.probe, c), nil
		}
		last.Unjudged = unjudged
	}
	if s.probe.Judge != derive.Equal {
		return last, nil
	}
	// A canary may lead to a backend that always fails: then both sides have the same shares of failures.
	if c, _, err := f.flip(ctx, s); err != nil || len(c.differences) == 0 && isDrawn(c) {
		return Outcome{ByChance: true}, err
	}
	return last, nil
}

func sleep(ctx context.Context, duration time.Duration) error {
	if duration == 0 {
		return nil
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *confirmer) outcome(probe *derive.Probe, c confirmed) Outcome {
	if len(c.differences) == 0 {
		return Outcome{ByChance: true}
	}
	finding := f.finding(probe, c)
	return Outcome{Finding: &finding}
}

// repeat sends the request of a suspect several times to both sides and compares the answers. unjudged is why they can't be.
func (f *confirmer) repeat(ctx context.Context, s suspect) (c confirmed, unjudged string, err error) {
	times := repetitions
	if s.whoAnswers && s.probe.Judge == derive.Equal {
		times = certain
	}
	var wants, gots []judge.Observation
	for n := 0; n < times; n++ {
		want, err := s.wants.nth(ctx, n)
		if err != nil {
			return c, "", err
		}
		got, err := f.asker.ask(ctx, s.candidate, s.probe)
		if err != nil {
			return c, "", err
		}
		wants, gots = append(wants, want), append(gots, got)
		if s.probe.Judge == derive.Equal && !uniform([]judge.Observation{want, got}) {
			times = certain // it differs in who answers after all
		}
		if timedOut(want) || timedOut(got) {
			times = min(times, repetitions) // each costs many seconds, and nothing draws them at random
		}
		if n == repetitions-1 && (allInterrupted(wants) || allInterrupted(gots)) {
			if unjudged := f.unjudged(ctx, s.candidate, wants, gots); unjudged != "" {
				return c, unjudged, nil // more of the same would say no more
			}
		}
	}
	if unjudged := f.unjudged(ctx, s.candidate, wants, gots); unjudged != "" {
		return c, unjudged, nil
	}
	if s.probe.Judge == derive.Equal && (!uniform(wants) || !uniform(gots)) {
		return f.flip(ctx, s)
	}
	return confirmed{probe: *s.probe, want: wants[0], got: gots[0], differences: intersection(s.probe, wants, gots)}, "", nil
}

func allInterrupted(all []judge.Observation) bool {
	return !slices.ContainsFunc(all, func(o judge.Observation) bool {
		return slices.ContainsFunc(o.Answers, func(a judge.Answer) bool { return !judge.Interrupted(a) })
	})
}

func timedOut(o judge.Observation) bool {
	return slices.ContainsFunc(o.Answers, func(a judge.Answer) bool { return a.Error == record.ErrorTimeout })
}

// isAboutWhoAnswers reports whether one of the differences is about the status or the backend.
func isAboutWhoAnswers(all []compared.Difference) bool {
	return slices.ContainsFunc(all, func(d compared.Difference) bool { return d.Kind == compared.Status || d.Kind == compared.Backend })
}

// uniform reports whether all answers have the same outcome.
func uniform(all []judge.Observation) bool {
	first := judge.Outcome(all[0].Answers[0])
	return !slices.ContainsFunc(all, func(o judge.Observation) bool { return judge.Outcome(o.Answers[0]) != first })
}

// intersection returns the differences that all pairs have which have the outcomes of the first one.
func intersection(probe *derive.Probe, wants, gots []judge.Observation) (stable []compared.Difference) {
	count, pairs := map[string]int{}, 0
	distinctWants, distinctGots := wants, gots
	if probe.Judge == derive.Equal {
		distinctWants, distinctGots = judge.Distinct(wants), judge.Distinct(gots)
	}
	for _, want := range distinctWants {
		for _, got := range distinctGots {
			if !uniform([]judge.Observation{want, wants[0]}) || !uniform([]judge.Observation{got, gots[0]}) {
				continue
			}
			pairs++
			seen := map[string]bool{} // several values of a field may differ
			for _, difference := range judge.Differences(probe, want, got) {
				if !seen[difference.What] {
					seen[difference.What] = true
					count[difference.What]++
				}
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

// flip compares how often there is which answer, and, if that is the same, answers with the same outcome. If both sides turn
// out to answer always the same, their answers are compared as those to a request that is sent once.
func (f *confirmer) flip(ctx context.Context, s suspect) (c confirmed, unjudged string, err error) {
	many := *s.probe
	many.Judge, many.Request.SameConnection = derive.Share, true
	var want, got judge.Observation
	for _, many.Request.Times = range []int{flips, moreFlips} {
		if want, err = s.wants.repeated(ctx, &many); err != nil {
			return c, "", err
		}
		if got, err = f.asker.ask(ctx, s.candidate, &many); err != nil {
			return c, "", err
		}
		if len(judge.Differences(&many, want, got)) > 0 || judge.SharesP(want, got) > doubtful {
			break
		}
	}
	c = confirmed{probe: many, want: want, got: got}
	wants, gots := singles(want), singles(got)
	unjudged = f.unjudged(ctx, s.candidate, wants, gots)
	if uniform(wants) && uniform(gots) {
		wants, gots = first(wants), first(gots)
		return confirmed{probe: *s.probe, want: wants[0], got: gots[0], differences: intersection(s.probe, wants, gots)}, unjudged, nil
	}
	for _, difference := range judge.Differences(&many, want, got) {
		if difference.Kind == compared.Share {
			c.differences = []compared.Difference{difference}
			return c, unjudged, nil
		}
	}
	wants, gots = common(wants, gots)
	if len(wants) == 0 || len(gots) == 0 {
		return c, unjudged, nil
	}
	if differences := intersection(s.probe, wants, gots); len(differences) > 0 {
		c = confirmed{probe: *s.probe, want: wants[0], got: gots[0], differences: differences}
	}
	return c, unjudged, nil
}

// isDrawn reports whether both sides have given several answers.
func isDrawn(c confirmed) bool {
	return len(c.want.Answers) > 1 && len(c.got.Answers) > 1 && !uniform(singles(c.want)) && !uniform(singles(c.got))
}

// singles are the answers of an observation, each as one.
func singles(o judge.Observation) []judge.Observation {
	var all []judge.Observation
	for _, answer := range o.Answers {
		all = append(all, judge.Observation{Answers: []judge.Answer{answer}})
	}
	return all
}

// first returns a few of several observations.
func first(all []judge.Observation) []judge.Observation { return all[:min(len(all), repetitions)] }

// common returns a few answers of both sides with the same outcome.
func common(wants, gots []judge.Observation) (sameWants, sameGots []judge.Observation) {
	for _, want := range wants {
		outcome := judge.Outcome(want.Answers[0])
		if sameGots = few(gots, outcome); len(sameGots) > 0 {
			return few(wants, outcome), sameGots
		}
	}
	return nil, nil
}

func few(all []judge.Observation, outcome string) []judge.Observation {
	var some []judge.Observation
	for _, one := range all {
		if judge.Outcome(one.Answers[0]) == outcome && len(some) < repetitions {
			some = append(some, one)
		}
	}
	return some
}
