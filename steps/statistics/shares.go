// Package statistics tests how requests were distributed. Round robin is tested exactly, a random split by an exact
// binomial test with a stated probability of a false alarm. There are no guessed tolerances.
package statistics

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// FalseAlarm is the highest probability with which the test of a correct random split fails. With up to a hundred splits
// in a run, the probability of a false alarm in the whole run is less than one in a million.
const FalseAlarm = 1e-8

// Counts is how often each outcome was observed.
type Counts map[string]int

// Total returns the number of observations.
func (c Counts) Total() int {
	total := 0
	for _, count := range c {
		total += count
	}
	return total
}

// Even tests a round robin over the outcomes. Each count must be the total divided by the number of outcomes, rounded up
// or down: 100 requests over three are 34, 33 and 33.
//
// An observed outcome that isn't among the outcomes fails the test.
func Even(title string, observed Counts, outcomes []string) evidence.Distribution {
	total := observed.Total()
	distribution := evidence.Distribution{Title: title, Total: total, PValue: 1}
	for _, outcome := range labels(observed, outcomes) {
		share := evidence.Share{Label: outcome, Observed: observed[outcome]}
		if slices.Contains(outcomes, outcome) {
			share.Expected = float64(total) / float64(len(outcomes))
			share.Low, share.High = int(math.Floor(share.Expected)), int(math.Ceil(share.Expected))
		}
		distribution.Shares = append(distribution.Shares, share)
	}
	if !Accepted(distribution) {
		distribution.PValue = 0
	}
	return distribution
}

// Split tests a random split by the probability of each outcome; their sum must be 1. Each count is tested against the
// binomial distribution. The probability of a false alarm is divided evenly among the outcomes (Bonferroni correction), so
// that it is at most FalseAlarm in total.
//
// An observed outcome that isn't among the probabilities fails the test.
func Split(title string, observed Counts, probabilities map[string]float64) (evidence.Distribution, error) {
	sum := 0.0
	for outcome, probability := range probabilities {
		if !(probability >= 0 && probability <= 1) {
			return evidence.Distribution{}, fmt.Errorf("the share of %q is %v, but must be from 0 to 1", outcome, probability)
		}
		sum += probability
	}
	if math.Abs(sum-1) > 1e-9 {
		return evidence.Distribution{}, fmt.Errorf("the sum of the shares is %g %% instead of 100 %%", 100*sum)
	}
	total := observed.Total()
	distribution := evidence.Distribution{
		Title: title, Total: total, PValue: 1, FalseAlarm: FalseAlarm,
		Test: fmt.Sprintf("exact binomial test, two-sided, of each share: a correct system fails it with a probability of at most %.0e",
			FalseAlarm),
	}
	level := FalseAlarm / float64(max(1, len(probabilities)))
	for _, outcome := range labels(observed, slices.Collect(maps.Keys(probabilities))) {
		probability := probabilities[outcome]
		share := evidence.Share{Label: outcome, Observed: observed[outcome], Expected: float64(total) * probability}
		share.Low, share.High = interval(total, probability, level)
		p := twoSided(total, probability, share.Observed) * float64(len(probabilities))
		distribution.PValue = min(distribution.PValue, p)
		distribution.Shares = append(distribution.Shares, share)
	}
	return distribution, nil
}

// Accepted reports whether every share is within its bounds and at least one request was made.
func Accepted(distribution evidence.Distribution) bool {
	for _, share := range distribution.Shares {
		if !share.Accepted() {
			return false
		}
	}
	return distribution.Total > 0
}

func labels(observed Counts, expected []string) []string {
	all := slices.AppendSeq(slices.Clone(expected), maps.Keys(observed))
	slices.Sort(all)
	all = slices.Compact(all)
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(observed[b], observed[a]) })
	return all
}

// interval returns the range that a binomial variable is outside of with a probability of at most level, half of it on
// either side.
func interval(trials int, probability, level float64) (low, high int) {
	lower := func(k int) bool { return atMost(trials, probability, k) > level/2 }
	for low = 0; low < trials && !lower(low); low++ {
	}
	upper := func(k int) bool { return atLeast(trials, probability, k) > level/2 }
	for high = trials; high > 0 && !upper(high); high-- {
	}
	return low, high
}

func twoSided(trials int, probability float64, count int) float64 {
	return min(1, 2*min(atMost(trials, probability, count), atLeast(trials, probability, count)))
}

func atMost(trials int, probability float64, count int) float64 {
	switch {
	case count >= trials || probability == 0:
		return 1
	case probability == 1:
		return 0
	}
	return distuv.Binomial{N: float64(trials), P: probability}.CDF(float64(count))
}

// atLeast counts the failures instead of the successes, because 1 minus a number near 1 loses precision.
func atLeast(trials int, probability float64, count int) float64 {
	return atMost(trials, 1-probability, trials-count)
}
