package html

import (
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

func TestWording(t *testing.T) {
	chances := map[float64]string{1e-7: "1 in 10 million", 2.4e-10: "1 in 4.17 billion", 0.01: "1 in 100", 0: "0", 1: "1"}
	for given, want := range chances {
		if got := chance(given); got != want {
			t.Errorf("chance of %g is %q, want %q", given, got, want)
		}
	}
	probabilities := map[float64]string{0.374: "0.37", 3.1e-16: "3.1 × 10⁻¹⁶", 1: "1", 0: "0", math.NaN(): "?"}
	for given, want := range probabilities {
		if got := probability(given); got != want {
			t.Errorf("probability of %g is %q, want %q", given, got, want)
		}
	}
}

func TestLaddersWithOddPackets(t *testing.T) {
	var packets []evidence.Packet
	for range maxPackets + 5 {
		packets = append(packets, evidence.Packet{From: "a", To: "a"})
	}
	v := newLadder(evidence.Ladder{Packets: packets}, &results.Step{})
	if len(v.Rows) != maxPackets || v.Omitted != 5 || !v.Rows[0].Loop || len(v.Columns) != 1 {
		t.Errorf("%d rows, %d omitted, %d columns", len(v.Rows), v.Omitted, len(v.Columns))
	}
	many := evidence.Ladder{}
	for i := range maxColumns + 3 {
		many.Packets = append(many.Packets, evidence.Packet{From: strconv.Itoa(i), To: strconv.Itoa(i + 1)})
	}
	if v := newLadder(many, &results.Step{}); len(v.Columns) != maxColumns {
		t.Errorf("%d columns", len(v.Columns))
	}
	if v := newLadder(evidence.Ladder{}, &results.Step{}); v.Width <= 0 || v.Height <= 0 {
		t.Errorf("an empty ladder is %d by %d", v.Width, v.Height)
	}
}

func TestDistributionsWithOddNumbers(t *testing.T) {
	v := newDistribution(evidence.Distribution{
		Test: "t", PValue: math.NaN(), FalseAlarm: math.Inf(1),
		Shares: []evidence.Share{
			{Label: "empty"}, {Label: "odd", Observed: -3, Expected: math.NaN(), Low: 9, High: 2},
			{Label: "huge", Observed: math.MaxInt, Expected: math.Inf(1), High: math.MaxInt},
		},
	})
	for _, bar := range v.Bars {
		got := []string{bar.Length, bar.BandStart, bar.BandLength, bar.ExpectedAt}
		for _, value := range got {
			if !regexp.MustCompile(`^\d+\.\d{3}%$`).MatchString(value) {
				t.Errorf("%s: %q is no percentage", bar.Label, value)
			}
		}
	}
}
