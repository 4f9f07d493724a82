package html

import (
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// effectView is the failed scenarios with one effect.
type effectView struct {
	Name, Meaning, Class string
	Failures             []*scenarioView
}

// byEffect groups failed scenarios, the gravest effect first, and last those whose failure says nothing about an answer.
func byEffect(failed []*scenarioView) []effectView {
	var groups []effectView
	for _, e := range append(effect.All(), effect.None) {
		group := effectView{Name: e.String(), Meaning: e.Meaning(), Class: theme.Gravity(e)}
		if e == effect.None {
			group.Name, group.Meaning = "other failures", "No answer to a request is concerned."
		}
		for _, scenario := range failed {
			if scenario.Effect == e {
				group.Failures = append(group.Failures, scenario)
			}
		}
		if len(group.Failures) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// maxSummary bounds a failure in the list of failures, in characters.
const maxSummary = 200

// summary is a failure in one line.
func summary(failure *results.Failure) string {
	line := []rune(plaintext.Line(failure.Summary()))
	if len(line) > maxSummary {
		return string(line[:maxSummary]) + "…"
	}
	return string(line)
}

func cleanFailure(f *results.Failure) *results.Failure {
	limited := func(text string) string {
		return plaintext.Clean(plaintext.Shorten(text, maxText, func(int) string { return "\n…\n" }))
	}
	cleaned := &results.Failure{
		Message: limited(f.Message), Expected: limited(f.Expected), Seen: limited(f.Seen),
		Cause: limited(f.Cause), Context: limited(f.Context),
	}
	for _, place := range f.Look {
		cleaned.Look = append(cleaned.Look, limited(place))
	}
	for _, other := range f.Others {
		cleaned.Others = append(cleaned.Others, results.Deviation{
			Context: limited(other.Context), Expected: limited(other.Expected), Seen: limited(other.Seen),
		})
	}
	return cleaned
}
