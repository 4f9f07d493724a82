package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/statistics"
)

// Outcome is what counts of an answer where many are compared: the backend, or the status.
func Outcome(a Answer) string {
	if a.Backend == "" {
		return compare.Outcome(a.Answer)
	}
	if a.Status != 200 {
		return a.Backend + " " + strconv.Itoa(a.Status)
	}
	return a.Backend
}

// Share is what differs where controllers answer with different shares of the same outcomes.
const Share = "how often which backend answers"

// shares compares how often there was which outcome, by Fisher's exact test.
func shares(probe *derive.Probe, reference, candidate Observation) []compare.Difference {
	recorded, observed := outcomes(reference), outcomes(candidate)
	if statistics.Accepted(statistics.Same(sharesTitle, recorded, observed)) {
		return sameOutcome(probe, reference, candidate)
	}
	want, got := shifted(reference, candidate, recorded, observed)
	return []compare.Difference{{
		Kind: compare.Share, Gravity: effect(want.Answer, got.Answer), What: Share, Want: Counts(recorded), Got: Counts(observed),
	}}
}

const sharesTitle = "answers"

func outcomes(o Observation) statistics.Counts {
	counts := statistics.Counts{}
	for _, answer := range o.Answers {
		counts[Outcome(answer)]++
	}
	return counts
}

// SharesP is the chance of shares that differ as much as those of two observations, or more, if the controllers do the same.
func SharesP(reference, candidate Observation) float64 {
	return statistics.Same(sharesTitle, outcomes(reference), outcomes(candidate)).PValue
}

// shifted returns an answer of the reference with the outcome whose share is most above that of the candidate, and an answer of
// the candidate with the outcome that most gains.
func shifted(reference, candidate Observation, recorded, observed statistics.Counts) (want, got Answer) {
	shift := func(outcome string) float64 {
		return float64(observed[outcome])/float64(len(candidate.Answers)) - float64(recorded[outcome])/float64(len(reference.Answers))
	}
	want = slices.MinFunc(reference.Answers, func(a, b Answer) int { return cmp.Compare(shift(Outcome(a)), shift(Outcome(b))) })
	got = slices.MaxFunc(candidate.Answers, func(a, b Answer) int { return cmp.Compare(shift(Outcome(a)), shift(Outcome(b))) })
	return want, got
}

// effect is what it means that got answers in place of want.
func effect(want, got record.Answer) compare.Gravity {
	gravity := compare.Effect(want, got)
	if gravity == compare.Headers { // they differ in nothing that it is about: neither is served
		return compare.Cosmetic
	}
	return gravity
}

// isRefusal reports whether no backend answered.
func isRefusal(o Observation) bool {
	return !slices.ContainsFunc(o.Answers, func(a Answer) bool { return a.Backend != "" })
}

// sameOutcome compares the first pair of answers with the same outcome.
func sameOutcome(probe *derive.Probe, reference, candidate Observation) []compare.Difference {
	for _, want := range reference.Answers {
		for _, got := range candidate.Answers {
			if Outcome(want) == Outcome(got) {
				return answers(probe, want.Answer, got.Answer)
			}
		}
	}
	return nil
}

// Counts says how often there was which outcome, in one line.
func Counts(c statistics.Counts) string {
	var text string
	for _, label := range sortedLabels(c) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d × %s", c[label], label)
	}
	return text
}

func sortedLabels(c statistics.Counts) []string {
	var labels []string
	for label := range c {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return labels
}

// sessions compares whether the same Pod answers again.
func sessions(probe *derive.Probe, reference, candidate Observation) []compare.Difference {
	found := answers(probe, reference.Answers[0].Answer, candidate.Answers[0].Answer)
	if want, got := stays(reference), stays(candidate); want != got && !isRefusal(reference) && !isRefusal(candidate) {
		found = append([]compare.Difference{{
			Kind: compare.Share, Gravity: compare.AnotherBackend, What: "the Pods that answer a session", Want: want, Got: got,
		}}, found...)
	}
	return found
}

// stays reports whether all answers are of one Pod.
func stays(o Observation) string {
	for _, answer := range o.Answers {
		if answer.Backend != o.Answers[0].Backend || answer.Pod != o.Answers[0].Pod {
			return "several"
		}
	}
	return "always the same"
}

// bursts compares whether some of many requests are refused.
func bursts(reference, candidate Observation) []compare.Difference {
	want, got := refusals(reference), refusals(candidate)
	switch {
	case want == 0 && got > 0:
		return []compare.Difference{burst(compare.RouteLost, reference, candidate, want, got)}
	case want > 0 && got == 0:
		return []compare.Difference{burst(compare.ProtectionLost, reference, candidate, want, got)}
	case want == 0:
		return nil
	}
	// How many a limit lets through depends on how fast the requests come; twice as many is another limit.
	passed, passedNow := len(reference.Answers)-want, len(candidate.Answers)-got
	if few, many := min(passed, passedNow), max(passed, passedNow); many > 2*few+4 {
		gravity := compare.RouteLost
		if passedNow > passed {
			gravity = compare.ProtectionLost
		}
		return []compare.Difference{burst(gravity, reference, candidate, want, got)}
	}
	wantStatus, gotStatus := refusal(reference), refusal(candidate)
	if wantStatus != gotStatus {
		return []compare.Difference{{
			Kind: compare.Status, Gravity: compare.Cosmetic, What: "status of requests beyond the limit", Want: wantStatus, Got: gotStatus,
		}}
	}
	return nil
}

func burst(gravity compare.Gravity, reference, candidate Observation, want, got int) compare.Difference {
	text := func(o Observation, refused int) string { return fmt.Sprintf("%d of %d", refused, len(o.Answers)) }
	return compare.Difference{
		Kind: compare.Share, Gravity: gravity, What: "requests that are refused", Want: text(reference, want), Got: text(candidate, got),
	}
}

func refusals(o Observation) int {
	count := 0
	for _, answer := range o.Answers {
		if answer.Backend == "" {
			count++
		}
	}
	return count
}

func refusal(o Observation) string {
	for _, answer := range o.Answers {
		if answer.Backend == "" {
			return compare.Outcome(answer.Answer)
		}
	}
	return ""
}
