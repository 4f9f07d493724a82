package html

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// colours are the custom properties of one scheme.
func colours(t *testing.T, css string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
		found[match[1]] = match[2]
	}
	return found
}

// luminance is that of WCAG 2.2, section "relative luminance".
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		channel := float64(value) / 255
		if channel <= 0.04045 {
			channel /= 12.92
		} else {
			channel = math.Pow((channel+0.055)/1.055, 2.4)
		}
		sum += weight * channel
	}
	return sum
}

func TestTextHasEnoughContrastInBothSchemes(t *testing.T) {
	light, dark, ok := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style has no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "* {")
	pairs := [][2]string{
		{"text", "page"}, {"text", "card"}, {"text", "soft"}, {"quiet", "page"}, {"quiet", "card"}, {"quiet", "soft"},
		{"link", "card"}, {"passed", "card"}, {"passed", "passed-soft"}, {"failed", "card"}, {"failed", "failed-soft"},
		{"text", "failed-soft"}, {"quiet", "failed-soft"}, {"skipped", "skipped-soft"}, {"notrun", "notrun-soft"}, {"notrun", "card"},
	}
	for name, css := range map[string]string{"light": light, "dark": dark} {
		scheme := colours(t, css)
		for _, pair := range pairs {
			front, back := scheme[pair[0]], scheme[pair[1]]
			if front == "" || back == "" {
				t.Fatalf("%s: no colour for %v", name, pair)
			}
			a, b := luminance(t, front), luminance(t, back)
			// 4.5 is the limit of WCAG 2.2, success criterion 1.4.3 (AA).
			if ratio := (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", name, pair[0], pair[1], ratio)
			}
		}
	}
}

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
