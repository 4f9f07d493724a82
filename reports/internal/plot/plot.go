// Package plot draws load runs as SVG: over time, and by share of the requests.
package plot

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"time"
)

// Template defines the template "plot", which draws a View with the classes of package theme.
//
//go:embed plot.gohtml
var Template string

// Measures of plots, in CSS pixels at full size.
const (
	plotWidth  = 940
	plotLeft   = 66 // for the labels of the vertical axis
	plotRight  = 26 // for half of the last label of the horizontal axis
	plotTop    = 26 // for the title of a panel, and the numbers of marks
	panelGap   = 40
	axisHeight = 24
	// perCharacter is the width of a character, more than most have.
	perCharacter = 7.0
)

// View is a drawing of panels, one below the other, with a common horizontal axis.
type View struct {
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
