package plot

import (
	"fmt"
	"math"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// Timeline draws rates, latencies, backends and what the controller used over time.
func Timeline(l *evidence.Load) *View {
	v := &View{Width: plotWidth, Left: plotLeft, Right: plotWidth - plotRight, AxisTitle: "seconds after the start"}
	length := total(l).Seconds()
	x := func(t float64) float64 {
		return plotLeft + (plotWidth-plotLeft-plotRight)*math.Min(1, math.Max(0, t/length))
	}
	top := 0
	add := func(title string, height int, draw func(*panelView)) {
		panel := panelView{Title: title, TitleY: top + 16, Top: top + plotTop, Bottom: top + plotTop + height}
		draw(&panel)
		panel.placeLegend()
		v.Panels = append(v.Panels, panel)
		top = panel.Bottom + panelGap - plotTop
	}
	add("Requests a second", 110, func(p *panelView) { p.statuses(l, x, StatusClasses()) })
	if l.Failed > 0 { // few of them hardly show among all requests
		add("Failed requests a second", 50, func(p *panelView) { p.statuses(l, x, []string{"error", "5xx", "4xx"}) })
	}
	add("Latency", 150, func(p *panelView) {
		p.latencies(l, x)
		v.NumbersY = p.Top + 12 // where no area is behind them
	})
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
	v.AxisY, v.Height = v.Bottom+16, v.Bottom+axisHeight+18
	for _, t := range ticks(length, 10) {
		v.Ticks = append(v.Ticks, tickView{pixels(x(t)), Number(t)})
	}
	for i, mark := range l.Marks {
		from, to := x(mark.From.Seconds()), x(mark.To.Seconds())
		v.Bands = append(v.Bands, bandView{
			X: pixels(from), Width: pixels(math.Max(2, to-from)), Number: i + 1, NumberX: pixels(from + 3),
			Text: fmt.Sprintf("%s (%s)", plaintext.Line(mark.Text), Between(mark.From, mark.To)),
		})
	}
	v.Summary = fmt.Sprintf("%d requests over %s, of which %d failed, as plots of rate, latency and backends over time",
		l.Requests, Seconds(l.Duration), l.Failed)
	return v
}

// total is the time in which requests were due.
func total(l *evidence.Load) time.Duration { return l.Interval * time.Duration(len(l.Buckets)) }

func (p *panelView) statuses(l *evidence.Load, x scale, classes []string) {
	layers := make([]layer, 0, len(classes))
	for _, class := range classes {
		one := layer{class: "status-" + class, text: statusText(class)}
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

// statusText is a class of statuses as a legend.
func statusText(class string) string {
	switch class {
	case "error":
		return "no complete response"
	case "5xx":
		return "5xx server error"
	case "4xx":
		return "4xx refused"
	case "3xx":
		return "3xx redirected"
	case "2xx":
		return "2xx answered"
	}
	return class
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
		if usage.At <= total(l) { // the last responses may come later than the plot's end
			points = append(points, [2]float64{x(usage.At.Seconds()), y(value(usage))})
		}
	}
	p.Lines = append(p.Lines, shapeView{Class: "line-" + class, Path: polyline(points), Text: text})
}
