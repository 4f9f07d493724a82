// Package theme is what the report's pages have in common: the style sheet, and how outcomes are coloured and worded.
package theme

import (
	_ "embed"
	"html/template"

	"github.com/ingress-testbed/testbed/reports/results"
)

//go:embed report.css
var style string

// Style is the style sheet, for light and dark screens and for paper.
func Style() template.CSS { return template.CSS(style) }

// Class is the class of the style sheet that colours an outcome: passed, failed, skipped or notrun.
func Class(status results.Status) string {
	switch {
	case status.Failing():
		return "failed"
	case status == results.Passed, status == results.Skipped:
		return string(status)
	}
	return "notrun"
}

// Mark is the one character that stands for an outcome, as not everybody sees its colour.
func Mark(status results.Status) string {
	switch Class(status) {
	case "passed":
		return "✓"
	case "failed":
		return "✗"
	case "skipped":
		return "–"
	}
	return "·"
}

// Count is a number of scenarios of one outcome.
type Count struct {
	Class string // that of Class
	Name  string
	Mark  string
	Count int
}

// Counts are the outcomes that there are, passed first.
func Counts(c results.Counts) []Count {
	var shown []Count
	for _, one := range []struct {
		status results.Status
		count  int
	}{
		{results.Passed, c.Passed}, {results.Failed, c.Failed}, {results.Skipped, c.Skipped}, {results.NotRun, c.NotRun},
	} {
		if one.count > 0 {
			shown = append(shown, Count{
				Class: Class(one.status), Name: string(one.status), Mark: Mark(one.status), Count: one.count,
			})
		}
	}
	return shown
}
