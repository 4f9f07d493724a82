package plot

import (
	"fmt"
	"math"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// Spectrum draws the distribution of a run's latencies, from the time at which requests were due and from that at which they
// were sent; nil if there are too few.
func Spectrum(l *evidence.Load) *View {
	return newSpectrum([]curve{
		{class: "line-service", text: "from sending", of: l, value: func(q evidence.LoadQuantile) time.Duration { return q.Service }},
		{class: "line-p99", text: "from the time at which it was due", of: l, value: due},
	})
}

// Comparison draws the distributions of the latencies of several runs, from the time at which requests were due; nil if there
// are too few.
func Comparison(labels []string, loads []*evidence.Load) *View {
	var curves []curve
	for i, l := range loads {
		if len(l.Quantiles) >= 2 && i < Curves {
			curves = append(curves, curve{class: fmt.Sprintf("line-run-%d", i), text: plaintext.Line(labels[i]), of: l, value: due})
		}
	}
	return newSpectrum(curves)
}

// Curves is the most runs that Comparison draws: as many as there are colours.
const Curves = 6

func due(q evidence.LoadQuantile) time.Duration { return q.Latency }

// curve is a line of a spectrum.
type curve struct {
	class, text string
	of          *evidence.Load
	value       func(evidence.LoadQuantile) time.Duration
}

// newSpectrum draws distributions of latencies as HDR histograms are usually drawn: the horizontal axis is the number of
// nines, so that the slowest requests, which users remember, take as much room as the others.
func newSpectrum(curves []curve) *View {
	if len(curves) == 0 || len(curves[0].of.Quantiles) < 2 {
		return nil
	}
	v := &View{Width: plotWidth, Left: plotLeft, Right: plotWidth - plotRight, AxisTitle: "share of the requests"}
	panel := panelView{Title: "Latency by share of the requests", TitleY: 16, Top: plotTop, Bottom: plotTop + 170}
	nines, lowest, highest := 1.0, time.Duration(math.MaxInt64), time.Duration(0)
	for _, c := range curves {
		for _, q := range c.of.Quantiles {
			if q.Quantile < 1 && q.Quantile >= 0 {
				nines = math.Max(nines, -math.Log10(1-q.Quantile))
			}
			lowest, highest = min(lowest, c.value(q)), max(highest, c.value(q))
		}
	}
	x := func(quantile float64) float64 {
		share := 1.0
		if quantile < 1 {
			share = math.Min(1, -math.Log10(1-math.Max(0, quantile))/nines)
		}
		return plotLeft + (plotWidth-plotLeft-plotRight)*share
	}
	y := panel.logarithmic(lowest, highest)
	for _, c := range curves {
		var points [][2]float64
		for _, q := range c.of.Quantiles {
			points = append(points, [2]float64{x(q.Quantile), y(float64(c.value(q)))})
		}
		panel.Lines = append(panel.Lines, shapeView{Class: c.class, Path: polyline(points), Text: c.text})
		panel.Legend = append(panel.Legend, legendView{Class: c.class, Text: c.text})
	}
	panel.placeLegend()
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999} {
		if -math.Log10(1-q) <= nines {
			v.Ticks = append(v.Ticks, tickView{pixels(x(q)), fmt.Sprintf("%.6g %%", 100*q)})
		}
	}
	v.Panels, v.Bottom = []panelView{panel}, panel.Bottom
	v.AxisY, v.Height = v.Bottom+16, v.Bottom+axisHeight+18
	v.Summary = fmt.Sprintf("Latency by share of the requests, from %s to %s", Latency(lowest), Latency(highest))
	return v
}
