package terminal

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
)

const (
	// screen is how many scenarios still fit on one.
	screen = 20
	// maxFailures bounds how many failures are written once more at the end.
	maxFailures = 10
)

// failures writes the scenarios that have failed, and why.
func (p *Progress) failures(run results.Run) {
	failed := 0
	for _, feature := range run.Features {
		for _, scenario := range feature.Scenarios {
			if !scenario.Status().Failing() {
				continue
			}
			if failed++; failed > maxFailures {
				continue
			}
			if failed == 1 {
				p.line("")
				p.line(p.paint.bold("Failed"))
			}
			p.scenario(&recorder.ScenarioEvent{Feature: feature, Scenario: scenario})
		}
	}
	if more := failed - maxFailures; more > 0 {
		p.line(fmt.Sprintf("  and %d more, which the report lists", more))
	}
}

// maxDetail bounds what is shown of one text, in bytes; the report has it all.
const maxDetail = 2 << 10

func (p *Progress) scenario(event *recorder.ScenarioEvent) {
	scenario := &event.Scenario
	name := plaintext.Line(scenario.FullName())
	took := plaintext.Duration(scenario.Duration)
	switch status := scenario.Status(); {
	case status == results.Passed:
		p.columns(p.paint.passed("✓"), name, took)
	case status == results.Skipped:
		p.columns(p.paint.quiet("–"), name, took)
		p.detail("skipped: ", scenario.SkipReason())
	default:
		p.columns(p.paint.failed("✗"), name, took)
		p.failure(event)
	}
}

// columns writes a mark, a name and, at the right, a time. Without a terminal's width names are never cut.
func (p *Progress) columns(mark, name, took string) {
	if p.options.Live {
		name = fit(name, p.width()-5-columnsOf(took)-2)
	}
	gap := max(2, min(p.width(), 100)-5-columnsOf(name)-columnsOf(took))
	p.line("  " + mark + " " + name + strings.Repeat(" ", gap) + p.paint.quiet(took))
}

func (p *Progress) failure(event *recorder.ScenarioEvent) {
	step := event.Scenario.FailedStep()
	if step == nil || step.Failure == nil {
		p.detail("", fmt.Sprintf("%s:%d", event.Feature.URI, event.Scenario.Line))
		p.detail("", event.Scenario.Error)
		return
	}
	p.detail("", step.Keyword+" "+step.Text)
	p.detail("", p.place(event, step))
	failure := step.Failure
	if failure.Expected == "" && failure.Seen == "" {
		p.detail("", failure.Message)
		return
	}
	if failure.Context != "" {
		p.detail("", failure.Context)
	}
	p.detail("expected: ", failure.Expected)
	p.detail("    seen: ", failure.Seen)
	if failure.Cause != "" {
		p.detail(" because: ", failure.Cause)
	}
	label := " look at: "
	for _, place := range failure.Look {
		p.detail(label, place)
		label = "          "
	}
}

func (p *Progress) place(event *recorder.ScenarioEvent, step *results.Step) string {
	return fmt.Sprintf("%s:%d", event.Feature.URI, step.Line)
}

// detail writes a text that may have several lines, indented below the scenario, the label before the first line.
func (p *Progress) detail(label, text string) {
	text = plaintext.Shorten(text, maxDetail, func(int) string { return "\n… (the report has it all) …\n" })
	lines := strings.Split(strings.TrimRight(plaintext.Clean(text), "\n"), "\n")
	indent := strings.Repeat(" ", len(label))
	for i, line := range lines {
		if i == 0 {
			p.line("      " + p.paint.quiet(label) + line)
		} else {
			p.line("      " + indent + line)
		}
	}
}
