package statistics_test

import (
	"math"
	"testing"

	"github.com/ingress-testbed/testbed/steps/statistics"
)

// Fisher's own example, the lady tasting tea: 3 of 4 against 1 of 4 gives p = 34/70.
func TestSameIsFishersExactTest(t *testing.T) {
	t.Parallel()
	got := statistics.Same("tea", statistics.Counts{"milk": 3, "tea": 1}, statistics.Counts{"milk": 1, "tea": 3})
	// Both outcomes are tested, so the p-value is doubled (Bonferroni).
	if want := 2 * 34.0 / 70; math.Abs(got.PValue-math.Min(1, want)) > 1e-9 {
		t.Errorf("p = %v, want %v", got.PValue, want)
	}
	if !statistics.Accepted(got) {
		t.Errorf("refused: %+v", got)
	}
}

func TestSameRefusesAnotherShare(t *testing.T) {
	t.Parallel()
	recorded := statistics.Counts{"a": 60, "b": 140}
	for _, c := range []struct {
		observed statistics.Counts
		accepted bool
	}{
		{statistics.Counts{"a": 60, "b": 140}, true},
		{statistics.Counts{"a": 85, "b": 115}, true},
		{statistics.Counts{"a": 140, "b": 60}, false},
		{statistics.Counts{"b": 200}, false},
		{statistics.Counts{"a": 60, "b": 100, "c": 40}, false},
		{statistics.Counts{"a": 60, "b": 139, "c": 1}, true}, // a rare outcome may have been missed
		{statistics.Counts{}, false},
	} {
		got := statistics.Same("shares", recorded, c.observed)
		if statistics.Accepted(got) != c.accepted {
			t.Errorf("%v: accepted %v, want %v: %+v", c.observed, !c.accepted, c.accepted, got)
		}
	}
}
