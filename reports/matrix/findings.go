package matrix

import (
	"strings"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
)

// maxPlaces bounds the scenarios that are listed for one finding on the page. The table below has all.
const maxPlaces = 12

// addFindings adds what the page says about failures.
func (m *Matrix) addFindings(v *view) {
	if m.HasReference() {
		v.Reference = m.Runs[m.reference].Label
	}
	groups := map[effect.Effect][]findingView{}
	for _, found := range m.Findings() {
		if found.Expected {
			v.Expected = append(v.Expected, m.columns().findingView(&found))
			continue
		}
		groups[found.Effect] = append(groups[found.Effect], m.columns().findingView(&found))
	}
	for _, count := range m.Effects() {
		row := effectView{
			Name: count.Effect.String(), Meaning: count.Effect.Meaning(), Class: theme.Gravity(count.Effect),
			Scenarios: count.Scenarios, ByRun: count.ByRun,
		}
		if count.Effect == effect.None {
			row.Name, row.Meaning = otherFailures, "No answer to a request is concerned."
		}
		if findings := groups[count.Effect]; len(findings) > 0 {
			row.Anchor = "effect-" + strings.ReplaceAll(row.Name, " ", "-")
			v.Groups = append(v.Groups, findingGroup{row, findings})
		}
		v.Effects = append(v.Effects, row)
	}
}

// otherFailures is the heading of failures without an effect.
const otherFailures = "other failures"

func (c columns) findingView(f *Finding) findingView {
	v := findingView{
		Class: theme.Class(f.Status), Mark: theme.Mark(f.Status), Status: string(f.Status), Message: f.Message,
		All: len(f.Others) == 0 && len(f.Runs) > 1,
	}
	for _, run := range f.Runs {
		v.Runs = append(v.Runs, c.outcome(f.Places[0].Feature, f.Places[0].Scenario, run))
	}
	for _, other := range f.Others {
		v.Others = append(v.Others, c.groupView(f.Places[0], other))
	}
	for i, place := range f.Places {
		if i == maxPlaces {
			v.Omitted = len(f.Places) - i
			break
		}
		v.Scenarios = append(v.Scenarios, differenceView{
			Feature: place.Feature.Name, Name: place.Scenario.Name, Link: c.outcome(place.Feature, place.Scenario, f.Runs[0]).Link,
		})
	}
	return v
}

func (c columns) difference(d Difference) differenceView {
	v := differenceView{Feature: d.Feature.Name, Name: d.Scenario.Name}
	for _, g := range d.Groups {
		v.Groups = append(v.Groups, c.groupView(d.Place, g))
	}
	return v
}

func (c columns) groupView(place Place, g Group) groupView {
	group := groupView{outcomeView: worded(g.Status, g.Message)}
	for _, run := range g.Runs {
		group.Runs = append(group.Runs, c.outcome(place.Feature, place.Scenario, run))
	}
	return group
}
