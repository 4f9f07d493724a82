package html

import (
	"fmt"
	"math"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// distributionView is a bar chart made of boxes whose places are percentages of the chart's width, so that it fits
// any screen.
type distributionView struct {
	Title      string
	Total      int
	Accepted   bool
	Bars       []barView
	Exact      bool // one count alone is accepted for each share, or two neighbouring ones
	Test       string
	PValue     string
	FalseAlarm string
}

type barView struct {
	Label, Summary        string
	Observed, Range       string
	Share                 string
	Accepted              bool
	Length                string // of the observed bar, in percent
	BandStart, BandLength string // the accepted range
	ExpectedAt            string
	ExpectedText          string
}

func newDistribution(d evidence.Distribution) *distributionView {
	v := &distributionView{
		Title: plaintext.Line(d.Title), Total: d.Total, Accepted: true, Exact: true, Test: plaintext.Line(d.Test),
	}
	if d.Test != "" {
		v.PValue, v.FalseAlarm = probability(d.PValue), chance(d.FalseAlarm)
	}
	longest := 1.0
	for _, share := range d.Shares {
		longest = max(longest, float64(share.Observed), float64(share.High), finite(share.Expected))
	}
	percent := func(n float64) float64 { return math.Min(100, math.Max(0, finite(n)/longest*94)) }
	for _, share := range d.Shares {
		v.Accepted = v.Accepted && share.Accepted()
		v.Exact = v.Exact && share.High-share.Low <= 1
		v.Bars = append(v.Bars, newBar(share, d.Total, percent))
	}
	return v
}

func newBar(share evidence.Share, total int, percent func(float64) float64) barView {
	start := percent(float64(share.Low))
	bar := barView{
		Label: plaintext.Line(share.Label), Accepted: share.Accepted(),
		Observed:     fmt.Sprint(share.Observed),
		Range:        fmt.Sprintf("%d–%d", share.Low, share.High),
		Length:       css(percent(float64(share.Observed))),
		BandStart:    css(start),
		BandLength:   css(math.Max(0, percent(float64(share.High))-start)),
		ExpectedAt:   css(percent(share.Expected)),
		ExpectedText: number(share.Expected),
	}
	if share.Low == share.High {
		bar.Range = fmt.Sprint(share.Low)
	}
	if total > 0 {
		bar.Share = fmt.Sprintf("%.1f %%", 100*float64(share.Observed)/float64(total))
	}
	outcome := "within"
	if !bar.Accepted {
		outcome = "outside"
	}
	bar.Summary = fmt.Sprintf("%s: %d of %d, expected %s, %s the accepted %s",
		bar.Label, share.Observed, total, bar.ExpectedText, outcome, bar.Range)
	return bar
}

func css(percent float64) string { return fmt.Sprintf("%.3f%%", percent) }

func finite(n float64) float64 {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}
