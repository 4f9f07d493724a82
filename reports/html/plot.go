package html

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// Measures of plots, in CSS pixels at full size.
const (
	plotWidth  = 940
	plotLeft   = 66 // for the labels of the vertical axis
	plotRight  = 26 // for half of the last label of the horizontal axis
	plotTop    = 26 // for the title of a panel, and the numbers of marks
	panelGap   = 40
	axisHeight = 24
)

// plotView is a drawing of panels, one below the other, with a common horizontal axis.
type plotView struct {
	Summary       string
	Width, Height int
	Left, Right   int
	Bottom        int
	Bands         []bandView
	NumbersY      int        // of the numbers of the bands
	Ticks         []tickView // of the horizontal axis
	AxisY         int
	AxisTitle     string
	Panels        []panelView
}

// bandView is the time in which a step acted.
type bandView struct {
	X, Width string
	Number   int
	NumberX  string
	Text     string
}

// tickView is a label of an axis, with a line across the panel.
type tickView struct{ Position, Text string }

type panelView struct {
	Title               string
	TitleY, Top, Bottom int
	Height              int
	Ticks               []tickView
	Areas, Lines        []shapeView
	Legend              []legendView
	LegendY             int
}

type shapeView struct{ Class, Path, Text string }

type legendView struct {
	Class, Text string
	X, TextX    int
}

// scale maps values to pixels.
type scale func(float64) float64

func pixels(n float64) string { return fmt.Sprintf("%.1f", finite(n)) }

// newTimeline draws rates, latencies, backends and what the controller used over time.
func newTimeline(l *evidence.Load) *plotView {
	v := &plotView{Width: plotWidth, Left: plotLeft, Right: plotWidth - plotRight, AxisTitle: "seconds after the start"}
	total := l.Interval * time.Duration(len(l.Buckets))
	x := func(t float64) float64 {
		return plotLeft + (plotWidth-plotLeft-plotRight)*math.Min(1, math.Max(0, t/total.Seconds()))
	}
	top := 0
	add := func(title string, height int, draw func(*panelView)) {
		panel := panelView{Title: title, TitleY: top + 16, Top: top + plotTop, Bottom: top + plotTop + height}
		draw(&panel)
		panel.placeLegend()
		v.Panels = append(v.Panels, panel)
		top = panel.Bottom + panelGap - plotTop
	}
	add("Requests a second", 110, func(p *panelView) { p.statuses(l, x) })
	add("Latency", 150, func(p *panelView) { p.latencies(l, x) })
	if len(l.Backends) > 0 {
		add("Responses a second, by backend", 110, func(p *panelView) { p.backends(l, x) })
	}
	if len(l.Usage) > 1 {
		add("Ingress controller: CPU cores", 70, func(p *panelView) {
			p.usage(l, x, func(u evidence.LoadUsage) float64 { return u.CPU }, "cores", "cpu")
		})
		add("Ingress controller: memory in MiB", 70, func(p *panelView) {
			p.usage(l, x, func(u evidence.LoadUsage) float64 { return float64(u.Memory) / (1 << 20) }, "MiB", "memory")
		})
	}
	v.Bottom = v.Panels[len(v.Panels)-1].Bottom
	v.NumbersY = v.Panels[1].Top + 12 // among the latencies, where no area is behind them
	v.AxisY, v.Height = v.Bottom+16, v.Bottom+axisHeight+18
	for _, t := range ticks(total.Seconds(), 10) {
		v.Ticks = append(v.Ticks, tickView{pixels(x(t)), number1(t)})
	}
	for i, mark := range l.Marks {
		from, to := x(mark.From.Seconds()), x(mark.To.Seconds())
		v.Bands = append(v.Bands, bandView{
			X: pixels(from), Width: pixels(math.Max(2, to-from)), Number: i + 1, NumberX: pixels(from + 3),
			Text: fmt.Sprintf("%s (%s)", plaintext.Line(mark.Text), between(mark.From, mark.To)),
		})
	}
	v.Summary = fmt.Sprintf("%d requests over %s, of which %d failed, as plots of rate, latency and backends over time",
		l.Requests, seconds(l.Duration), l.Failed)
	return v
}

// placeLegend puts the legend on the line of the title, at the right.
func (p *panelView) placeLegend() {
	width := 0
	for _, entry := range p.Legend {
		width += 30 + int(perCharacter*float64(len([]rune(entry.Text))))
	}
	at := plotWidth - plotRight - width
	for i := range p.Legend {
		p.Legend[i].X, p.Legend[i].TextX = at, at+16
		at += 30 + int(perCharacter*float64(len([]rune(p.Legend[i].Text))))
	}
	p.LegendY, p.Height = p.TitleY-9, p.Bottom-p.Top
}

// linear is a scale from 0 at the bottom to at least the highest value near the top, with its ticks.
func (p *panelView) linear(highest float64) scale {
	steps := ticks(math.Max(highest, 1e-6), 4)
	last := steps[len(steps)-1]
	if last < highest {
		last = highest
	}
	y := func(value float64) float64 {
		return float64(p.Bottom) - float64(p.Bottom-p.Top)*math.Min(1, math.Max(0, value/last))
	}
	for _, step := range steps {
		p.Ticks = append(p.Ticks, tickView{pixels(y(step)), number2(step)})
	}
	return y
}

// ticks are round numbers from 0 to the limit, at most count and a few.
func ticks(limit float64, count int) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(limit/float64(count))))
	for _, factor := range []float64{1, 2, 5, 10} {
		if limit/(step*factor) <= float64(count) {
			step *= factor
			break
		}
	}
	var all []float64
	for i := 0; float64(i)*step <= limit*1.0001 && i < 100; i++ {
		all = append(all, float64(i)*step)
	}
	return all
}

func number2(n float64) string {
	text := fmt.Sprintf("%.4f", n)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// layer is a part of a stack: its counts by bucket.
type layer struct {
	class, text string
	counts      []float64
	// least is the least height of a count above 0, in pixels: a single failed request has to be seen.
	least float64
}

// stack draws layers above each other, the first at the bottom, in steps. Layers without counts are left out.
func (p *panelView) stack(layers []layer, interval time.Duration, x scale) {
	highest := 0.0
	for i := range layers[0].counts {
		sum := 0.0
		for _, one := range layers {
			sum += one.counts[i]
		}
		highest = math.Max(highest, sum)
	}
	y := p.linear(highest)
	base := make([]float64, len(layers[0].counts))
	for i := range base {
		base[i] = float64(p.Bottom)
	}
	for _, one := range layers {
		shape := shapeView{Class: one.class, Text: one.text}
		var path strings.Builder
		for i, count := range one.counts {
			if count <= 0 {
				continue
			}
			height := math.Max(one.least, float64(p.Bottom)-y(count))
			from, to := x(float64(i)*interval.Seconds()), x(float64(i+1)*interval.Seconds())
			fmt.Fprintf(&path, "M%.1f %.1fH%.1fV%.1fH%.1fZ", from, base[i], to, base[i]-height, from)
			base[i] -= height
		}
		if shape.Path = path.String(); shape.Path != "" {
			p.Areas = append(p.Areas, shape)
			p.Legend = append(p.Legend, legendView{Class: one.class, Text: one.text})
		}
	}
}

func (p *panelView) statuses(l *evidence.Load, x scale) {
	var layers []layer
	for _, class := range statusClasses() {
		one := layer{class: "status-" + class, text: class}
		if class == "error" {
			one.text = "no response"
		}
		if class == "error" || class == "5xx" || class == "4xx" {
			one.least = 4
		}
		for _, bucket := range l.Buckets {
			one.counts = append(one.counts, float64(bucket.Statuses[class])/l.Interval.Seconds())
		}
		layers = append(layers, one)
	}
	p.stack(layers, l.Interval, x)
}

func (p *panelView) backends(l *evidence.Load, x scale) {
	layers := make([]layer, len(l.Backends))
	for b, name := range l.Backends {
		short := []rune(plaintext.Line(name))
		if len(l.Backends) > 2 && len(short) > 14 { // names of a Deployment's Pods differ in their last five characters
			short = append([]rune("…"), short[len(short)-5:]...)
		}
		layers[b] = layer{class: fmt.Sprintf("backend-%d", b%12), text: string(short)}
		for _, bucket := range l.Buckets {
			count := 0
			if b < len(bucket.Backends) {
				count = bucket.Backends[b]
			}
			layers[b].counts = append(layers[b].counts, float64(count)/l.Interval.Seconds())
		}
	}
	p.stack(layers, l.Interval, x)
	if len(p.Legend) > 8 { // no room: the areas have tooltips
		p.Legend = nil
	}
}

// logarithmic is a scale of latencies over whole decades, with their ticks.
func (p *panelView) logarithmic(lowest, highest time.Duration) scale {
	low := math.Floor(math.Log10(math.Max(float64(lowest), float64(10*time.Microsecond))))
	high := math.Max(low+1, math.Ceil(math.Log10(math.Max(float64(highest), float64(time.Millisecond)))))
	y := func(value float64) float64 {
		share := (math.Log10(math.Max(value, 1)) - low) / (high - low)
		return float64(p.Bottom) - float64(p.Bottom-p.Top)*math.Min(1, math.Max(0, share))
	}
	for decade := low; decade <= high; decade++ {
		value := time.Duration(math.Round(math.Pow(10, decade)))
		p.Ticks = append(p.Ticks, tickView{pixels(y(float64(value))), latencyTick(value)})
	}
	return y
}

func latencyTick(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%d s", d/time.Second)
	case d >= time.Millisecond:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	}
	return fmt.Sprintf("%d µs", d/time.Microsecond)
}

func (p *panelView) latencies(l *evidence.Load, x scale) {
	lowest, highest := time.Hour, time.Duration(0)
	for _, bucket := range l.Buckets {
		if bucket.Requests > 0 {
			lowest, highest = min(lowest, bucket.P50), max(highest, bucket.Max)
		}
	}
	y := p.logarithmic(lowest, highest)
	for _, line := range []struct {
		class, text string
		value       func(evidence.LoadBucket) time.Duration
	}{
		{"line-max", "slowest", func(b evidence.LoadBucket) time.Duration { return b.Max }},
		{"line-p99", "99 %", func(b evidence.LoadBucket) time.Duration { return b.P99 }},
		{"line-p90", "90 %", func(b evidence.LoadBucket) time.Duration { return b.P90 }},
		{"line-p50", "50 %", func(b evidence.LoadBucket) time.Duration { return b.P50 }},
	} {
		var points [][2]float64
		for i, bucket := range l.Buckets {
			if bucket.Requests > 0 {
				points = append(points, [2]float64{x((float64(i) + 0.5) * l.Interval.Seconds()), y(float64(line.value(bucket)))})
			}
		}
		p.Lines = append(p.Lines, shapeView{Class: line.class, Path: polyline(points), Text: line.text})
		p.Legend = append(p.Legend, legendView{Class: line.class, Text: line.text})
	}
}

func (p *panelView) usage(l *evidence.Load, x scale, value func(evidence.LoadUsage) float64, text, class string) {
	highest := 0.0
	for _, usage := range l.Usage {
		highest = math.Max(highest, finite(value(usage)))
	}
	y := p.linear(highest)
	var points [][2]float64
	for _, usage := range l.Usage {
		points = append(points, [2]float64{x(usage.At.Seconds()), y(value(usage))})
	}
	p.Lines = append(p.Lines, shapeView{Class: "line-" + class, Path: polyline(points), Text: text})
}

func polyline(points [][2]float64) string {
	var path strings.Builder
	for i, point := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, finite(point[0]), finite(point[1]))
	}
	return path.String()
}

// newSpectrum draws the distribution of latencies as HDR histograms are usually drawn: the horizontal axis is the number of
// nines, so that the slowest requests, which users remember, take as much room as the others.
func newSpectrum(l *evidence.Load) *plotView {
	if len(l.Quantiles) < 2 {
		return nil
	}
	v := &plotView{Width: plotWidth, Left: plotLeft, Right: plotWidth - plotRight, AxisTitle: "share of the requests"}
	panel := panelView{Title: "Latency by share of the requests", TitleY: 16, Top: plotTop, Bottom: plotTop + 170}
	rest := 1.0
	for _, q := range l.Quantiles {
		if q.Quantile < 1 && q.Quantile >= 0 {
			rest = math.Min(rest, 1-q.Quantile)
		}
	}
	nines := math.Max(1, -math.Log10(rest))
	x := func(quantile float64) float64 {
		share := 1.0
		if quantile < 1 {
			share = math.Min(1, -math.Log10(1-math.Max(0, quantile))/nines)
		}
		return plotLeft + (plotWidth-plotLeft-plotRight)*share
	}
	y := panel.logarithmic(l.Quantiles[0].Service, l.Quantiles[len(l.Quantiles)-1].Latency)
	var latencies, services [][2]float64
	for _, q := range l.Quantiles {
		latencies = append(latencies, [2]float64{x(q.Quantile), y(float64(q.Latency))})
		services = append(services, [2]float64{x(q.Quantile), y(float64(q.Service))})
	}
	panel.Lines = []shapeView{
		{Class: "line-service", Path: polyline(services), Text: "from sending"},
		{Class: "line-p99", Path: polyline(latencies), Text: "from the time at which it was due"},
	}
	panel.Legend = []legendView{{Class: "line-service", Text: "from sending"}, {Class: "line-p99", Text: "from the time at which it was due"}}
	panel.placeLegend()
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999} {
		if -math.Log10(1-q) <= nines {
			v.Ticks = append(v.Ticks, tickView{pixels(x(q)), fmt.Sprintf("%.6g %%", 100*q)})
		}
	}
	v.Panels, v.Bottom = []panelView{panel}, panel.Bottom
	v.AxisY, v.Height = v.Bottom+16, v.Bottom+axisHeight+18
	v.Summary = fmt.Sprintf("Latency by share of the requests, from %s to %s", latency(l.Quantiles[0].Latency), latency(l.Quantiles[len(l.Quantiles)-1].Latency))
	return v
}
