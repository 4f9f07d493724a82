package matrix

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// maxDifferences bounds how many scenarios are listed outside the page, which has them all.
const maxDifferences = 20

// Legend explains the marks of Rows.
const Legend = "✓ passed  ✗ failed  – skipped  · not run"

// Rows are the table for a terminal: a line with the labels, one for each feature, and one with the verdicts.
func (m *Matrix) Rows() [][]string {
	return m.rows(func(c theme.Count) string { return fmt.Sprintf("%s %d", c.Mark, c.Count) }, " ")
}

func (m *Matrix) rows(word func(theme.Count) string, between string) [][]string {
	head, verdicts := []string{"Feature"}, []string{"Verdict"}
	for i := range m.Runs {
		label := m.Runs[i].Label
		if i == m.reference {
			label += " (reference)"
		}
		head, verdicts = append(head, label), append(verdicts, m.Runs[i].Outcome())
	}
	rows := [][]string{head}
	for _, feature := range m.Features {
		row := []string{feature.Name}
		for run := range m.Runs {
			var cell []string
			for _, count := range theme.Counts(feature.Counts[run]) {
				cell = append(cell, word(count))
			}
			row = append(row, strings.Join(cell, between))
		}
		rows = append(rows, row)
	}
	return append(rows, verdicts)
}

// Remarks are the lines below the table: why runs did not pass, what failed, the gravest first, and what else differs.
func (m *Matrix) Remarks() []string {
	var lines []string
	for i := range m.Runs {
		if reason := m.Runs[i].Reason(); reason != "" {
			lines = append(lines, fmt.Sprintf("%s %s: %s", m.Runs[i].Label, m.Runs[i].Outcome(), plaintext.Line(reason)))
		}
	}
	lines = append(lines, m.failures()...)
	return append(lines, m.columns().list("Not the same in all runs:", m.Differences())...)
}

// failures lists the findings by effect.
func (m *Matrix) failures() []string {
	var lines []string
	heading, listed := "", 0
	findings := m.Findings()
	for i := range findings {
		found := &findings[i]
		if title := m.heading(found); title != heading {
			lines, heading, listed = append(lines, title), title, 0
		}
		if listed++; listed > maxDifferences {
			if listed == maxDifferences+1 {
				lines = append(lines, "  … and more, which the report has")
			}
			continue
		}
		lines = append(lines, "  "+found.Places[0].Feature.Name+": "+found.Places[0].Scenario.Name)
		if more := len(found.Places) - 1; more > 0 {
			lines = append(lines, fmt.Sprintf("  … and %d more scenarios with the same failure", more))
		}
		for _, g := range append([]Group{{Status: found.Status, Message: found.Message, Runs: found.Runs}}, found.Others...) {
			lines = append(lines, "    "+m.columns().group(g))
		}
	}
	return lines
}

// heading is like "PROTECTION LOST".
func (m *Matrix) heading(found *Finding) string {
	if found.Expected {
		return "Failed in the reference " + m.Runs[m.reference].Label + ":"
	}
	if found.Effect == effect.None {
		return strings.ToUpper(otherFailures)
	}
	return strings.ToUpper(found.Effect.String())
}

func (c columns) list(heading string, scenarios []Difference) []string {
	if len(scenarios) == 0 {
		return nil
	}
	lines := []string{heading}
	for i, d := range scenarios {
		if i == maxDifferences {
			return append(lines, fmt.Sprintf("  … and %d more, which the report has", len(scenarios)-i))
		}
		lines = append(lines, "  "+d.Feature.Name+": "+d.Scenario.Name)
		for _, g := range d.Groups {
			lines = append(lines, "    "+c.group(g))
		}
	}
	return lines
}

// group is like "skipped on kind 1.35: routed by kindnet, there is no tunnel".
func (c columns) group(g Group) string {
	line := fmt.Sprintf("%s on %s", g.Status, strings.Join(c.labels(g.Runs), ", "))
	if g.Message != "" {
		line += ": " + plaintext.Line(g.Message)
	}
	return line
}
