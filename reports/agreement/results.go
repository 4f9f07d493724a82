package agreement

import (
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Run returns the report as a run of scenarios: areas are features, cases scenarios and checks steps. It is the form that
// JUnit XML is written from.
func (r *Report) Run() results.Run {
	run := results.Run{
		Title: r.Title, Started: r.Started, Finished: r.Started.Add(seconds(r.Seconds)), Error: r.Problem,
		Environment: []results.Property{{Name: "Record", Value: r.Record}, {Name: "Controller", Value: r.Controller}},
	}
	for _, fact := range r.Facts {
		run.Environment = append(run.Environment, results.Property(fact))
	}
	for i := range r.Areas {
		area := &r.Areas[i]
		feature := results.Feature{URI: area.Name, Keyword: "Area", Name: area.Name}
		for k := range area.Cases {
			feature.Scenarios = append(feature.Scenarios, r.scenario(&area.Cases[k]))
		}
		run.Features = append(run.Features, feature)
	}
	return run
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (r *Report) scenario(one *Case) results.Scenario {
	scenario := results.Scenario{
		Keyword: "Case", Name: one.Name, Description: one.Note, Started: r.Started, Duration: seconds(one.Seconds), Error: one.Problem,
	}
	if one.Skipped != "" {
		scenario.Steps = []results.Step{{Text: "the case", Status: results.Skipped, SkipReason: one.Skipped}}
		return scenario
	}
	for i := range one.Checks {
		scenario.Steps = append(scenario.Steps, step(&one.Checks[i]))
	}
	return scenario
}

func step(check *Check) results.Step {
	s := results.Step{Text: check.Name, Status: results.Passed}
	if check.Distribution != nil {
		s.Evidence = append(s.Evidence, *check.Distribution)
	}
	if check.Agrees() || check.Exception != nil || check.Deliberate != "" {
		return s
	}
	s.Status = results.Failed
	var want, got []string
	for _, difference := range check.Differences {
		want = append(want, difference.What+" "+shown(difference.Want))
		got = append(got, difference.What+" "+shown(difference.Got))
	}
	s.Failure = &results.Failure{
		Expected: strings.Join(want, ", "), Seen: strings.Join(got, ", "),
		Message: fmt.Sprintf("%s: expected %s, seen %s", check.Differences[0].Gravity, strings.Join(want, ", "), strings.Join(got, ", ")),
	}
	s.Evidence = append(s.Evidence, evidence.Text{Title: "Recorded", Body: check.Want}, evidence.Text{Title: "Observed", Body: check.Got})
	return s
}
