package statistics

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// Same tests whether two samples come from one distribution, of which nothing else is known: one was recorded earlier, the
// other is observed. Each outcome is tested by Fisher's exact test, two-sided; the probability of a false alarm is divided
// among the outcomes as in Split.
//
// An outcome that was only ever observed, or only recorded, is tested like the others: a rare one may be missing.
func Same(title string, recorded, observed Counts) evidence.Distribution {
	outcomes := labels(observed, slices.Collect(maps.Keys(recorded)))
	total, before := observed.Total(), recorded.Total()
	distribution := evidence.Distribution{
		Title: title, Total: total, PValue: 1, FalseAlarm: FalseAlarm,
		Test: fmt.Sprintf("Fisher's exact test, two-sided, of each share, against %d recorded answers: a system that didn't change fails it "+
			"with a probability of at most %.0e", before, FalseAlarm),
	}
	logs := newLogFactorials(before + total)
	level := FalseAlarm / float64(max(1, len(outcomes)))
	for _, outcome := range outcomes {
		share := evidence.Share{Label: outcome, Observed: observed[outcome], Low: total, High: 0}
		if before > 0 {
			share.Expected = float64(total) * float64(recorded[outcome]) / float64(before)
		}
		for count := range total + 1 {
			if logs.fisher(recorded[outcome], before, count, total) > level {
				share.Low, share.High = min(share.Low, count), max(share.High, count)
			}
		}
		p := logs.fisher(recorded[outcome], before, observed[outcome], total) * float64(len(outcomes))
		distribution.PValue = min(distribution.PValue, p)
		distribution.Shares = append(distribution.Shares, share)
	}
	return distribution
}

// logFactorials are the logarithms of 0!, 1! and so on.
type logFactorials []float64

func newLogFactorials(most int) logFactorials {
	all := make(logFactorials, most+1)
	for n := range all {
		all[n], _ = math.Lgamma(float64(n) + 1)
	}
	return all
}

// fisher is the two-sided p-value of a of n and b of m under one unknown probability: that of all tables with the same
// margins that are no more probable than this one.
func (f logFactorials) fisher(a, n, b, m int) float64 {
	successes := a + b
	observed := f.table(a, n, b, m)
	sum := 0.0
	for x := max(0, successes-m); x <= min(n, successes); x++ {
		// The tolerance is for tables of equal probability, whose logarithms differ by rounding.
		if p := f.table(x, n, successes-x, m); p <= observed+1e-9 {
			sum += math.Exp(p)
		}
	}
	return min(1, sum)
}

// table is the logarithm of the hypergeometric probability of a table.
func (f logFactorials) table(a, n, b, m int) float64 {
	return f.choose(n, a) + f.choose(m, b) - f.choose(n+m, a+b)
}

func (f logFactorials) choose(n, k int) float64 { return f[n] - f[k] - f[n-k] }
