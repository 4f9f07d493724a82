package comparison

import (
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Run returns the report as a run of scenarios: candidates are features, Ingresses scenarios and findings steps. It is the form
// that JUnit XML is written from. Findings that are less serious than FailOn pass.
func (r *Report) Run() results.Run {
	duration := time.Duration(r.Seconds * float64(time.Second))
	run := results.Run{
		Title: r.Title, Started: r.Started, Finished: r.Started.Add(duration), Error: r.Problem,
		Environment: []results.Property{{Name: "Reference", Value: r.Reference}},
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		feature := results.Feature{URI: fmt.Sprintf("candidate %d", i+1), Keyword: "Candidate", Name: c.Description}
		for _, ingress := range r.Ingresses {
			feature.Scenarios = append(feature.Scenarios, r.scenario(c, ingress))
		}
		run.Features = append(run.Features, feature)
	}
	return run
}

func (r *Report) scenario(c *Candidate, ingress string) results.Scenario {
	scenario := results.Scenario{Keyword: "Ingress", Name: ingress, Started: r.Started}
	for _, refusal := range c.Refused {
		if refusal.Ingress == ingress {
			scenario.Steps = append(scenario.Steps, r.refused(refusal))
		}
	}
	for i := range c.Findings {
		if c.Findings[i].Ingress == ingress {
			scenario.Steps = append(scenario.Steps, r.step(&c.Findings[i]))
		}
	}
	if len(scenario.Steps) == 0 {
		scenario.Steps = []results.Step{{Text: "all requests have the same answers", Status: results.Passed}}
	}
	return scenario
}

// refused is the step of an Ingress that was never taken up, which fails unless only graver effects do.
func (r *Report) refused(refusal Refusal) results.Step {
	s := results.Step{Text: "the Ingress is taken up", Status: results.Passed}
	if r.FailOn == effect.None || r.FailOn > effect.Lost {
		return s
	}
	s.Status = results.Failed
	s.Failure = &results.Failure{Expected: "taken up", Seen: "never taken up", Message: "never taken up: " + refusal.Reason}
	if refusal.Log != "" {
		s.Evidence = append(s.Evidence, evidence.Text{Title: "The controller's log about it", Body: refusal.Log})
	}
	return s
}

func (r *Report) step(f *Finding) results.Step {
	s := results.Step{Text: f.Request, Status: results.Passed}
	if r.FailOn == effect.None || f.Effect < r.FailOn {
		return s
	}
	s.Status = results.Failed
	var want, got []string
	for _, d := range f.Differences {
		want = append(want, d.What+" "+brief(d.Want))
		got = append(got, d.What+" "+brief(d.Got))
	}
	s.Failure = &results.Failure{
		Expected: strings.Join(want, ", "), Seen: strings.Join(got, ", "),
		Message: fmt.Sprintf("%s: expected %s, seen %s", f.Effect, strings.Join(want, ", "), strings.Join(got, ", ")),
	}
	s.Evidence = append(s.Evidence, evidence.Text{Title: "Request", Body: f.Curl}, evidence.Text{Title: "Reference", Body: f.Want},
		evidence.Text{Title: "Candidate", Body: f.Got})
	if f.Explanation != "" {
		s.Evidence = append(s.Evidence, evidence.Text{Title: "How the candidate answers", Body: f.Explanation})
	}
	if f.ReferenceExplanation != "" {
		s.Evidence = append(s.Evidence, evidence.Text{Title: "How the reference answers", Body: f.ReferenceExplanation})
	}
	return s
}
