package html

import (
	"fmt"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Limits of what is drawn; the rest is in the capture's file.
const (
	maxPackets = 200
	maxColumns = 12
)

// Measures of the drawing, in its own units, which are CSS pixels at full size.
const (
	timeWidth    = 96 // left of the columns
	headHeight   = 50
	rowHeight    = 50
	margin       = 96 // half of what a column's name needs
	perCharacter = 7.0
)

// ladderView is the drawing of a packet ladder.
type ladderView struct {
	Title, Summary string
	File           string // link to the capture
	FileName       string
	Omitted        int
	Width, Height  int
	MinWidth       int
	Bottom         int
	Columns        []columnView
	Rows           []rowView
}

type columnView struct {
	X    int
	Name string
	// Full is the whole name where Name is shortened.
	Full string
}

type rowView struct {
	Time, TimeFull string
	Label, Detail  string
	Full           string // everything, as a tooltip and for the table
	From, To       string
	Y              int
	LabelY         int
	DetailY        int
	X1, X2, Middle int
	Head           string // the arrow's head, as points of a polygon
	Loop           bool   // sender and receiver are the same
}

func newLadder(l evidence.Ladder, step *results.Step) *ladderView {
	packets := l.Packets
	v := &ladderView{Title: plaintext.Line(l.Title)}
	if len(packets) > maxPackets {
		v.Omitted = len(packets) - maxPackets
		packets = packets[:maxPackets]
	}
	for _, e := range step.Evidence {
		if file, ok := e.(results.SavedFile); ok && l.File != "" && file.Name == l.File && file.Href != "" {
			v.File, v.FileName = file.Href, plaintext.Line(file.Name)
		}
	}
	names := columns(l.Columns, packets)
	spacing := spacingOf(len(names))
	places := map[string]int{}
	for i, name := range names {
		places[name] = timeWidth + margin + i*spacing
		full := plaintext.Line(name)
		v.Columns = append(v.Columns, columnView{X: places[name], Name: fit(full, spacing-12), Full: full})
	}
	v.Width = timeWidth + 2*margin + max(0, len(names)-1)*spacing
	for i, packet := range packets {
		v.Rows = append(v.Rows, newRow(i, packet, packets[0].Time, places))
	}
	v.MinWidth = v.Width * 4 / 5 // below that letters get too small, and the drawing is scrolled
	v.Height = headHeight + len(packets)*rowHeight + 24
	v.Bottom = v.Height - 8
	v.Summary = fmt.Sprintf("Packet ladder with %d packets between %d parties", len(packets), len(names))
	return v
}

// spacingOf is the distance between columns: wide for few, so that details fit, and no wider than a page for several.
func spacingOf(columns int) int {
	switch {
	case columns <= 2:
		return 540
	case columns == 3:
		return 300
	}
	return 195
}

// columns are the named parties and those that packets add. Parties beyond the limit share the last column.
func columns(named []string, packets []evidence.Packet) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) && len(names) < maxColumns {
			names = append(names, name)
		}
	}
	for _, name := range named {
		add(name)
	}
	for _, packet := range packets {
		add(packet.From)
		add(packet.To)
	}
	return names
}

func newRow(number int, packet evidence.Packet, first time.Time, places map[string]int) rowView {
	y := headHeight + 30 + number*rowHeight
	last := 0
	for _, x := range places {
		last = max(last, x)
	}
	place := func(name string) int {
		if x, ok := places[name]; ok {
			return x
		}
		return last
	}
	x1, x2 := place(packet.From), place(packet.To)
	row := rowView{
		From: plaintext.Line(packet.From), To: plaintext.Line(packet.To),
		Time: offset(packet.Time.Sub(first)), Y: y, LabelY: y - 7, DetailY: y + 15, X1: x1, X2: x2, Middle: (x1 + x2) / 2,
		Loop: x1 == x2,
	}
	if !packet.Time.IsZero() {
		row.TimeFull = packet.Time.UTC().Format("15:04:05.000000")
	}
	label, detail := plaintext.Line(packet.Label), plaintext.Line(packet.Detail)
	row.Full = label
	if detail != "" {
		row.Full += ", " + detail
	}
	room := max(x1-x2, x2-x1) - 16
	if row.Loop {
		room, row.Middle = 160, x1
	}
	row.Label, row.Detail = fit(label, room), fit(detail, room+40)
	row.Head = fmt.Sprintf("%d,%d %d,%d %d,%d", x2, y, x2-9, y-4, x2-9, y+4)
	if x2 < x1 {
		row.Head = fmt.Sprintf("%d,%d %d,%d %d,%d", x2, y, x2+9, y-4, x2+9, y+4)
	}
	return row
}

// offset words the time since the first packet.
func offset(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + offset(-d)
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// fit shortens a line to what about that many units hold.
func fit(line string, units int) string {
	runes := []rune(line)
	limit := max(1, int(float64(units)/perCharacter))
	if len(runes) <= limit {
		return line
	}
	return string(runes[:limit-1]) + "…"
}
