package results_test

import (
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/reports/results"
)

func scenario(statuses ...results.Status) results.Scenario {
	s := results.Scenario{Name: "s", Started: time.Unix(1, 0)}
	for _, status := range statuses {
		s.Steps = append(s.Steps, results.Step{Status: status})
	}
	return s
}

func TestStatusOfAScenario(t *testing.T) {
	hook := scenario(results.Passed)
	hook.Error = "cleaning up failed"
	unstarted := results.Scenario{}
	cases := map[string]struct {
		scenario results.Scenario
		want     results.Status
	}{
		"all passed":          {scenario(results.Passed, results.Passed), results.Passed},
		"one failed":          {scenario(results.Passed, results.Failed, results.Skipped), results.Failed},
		"undefined":           {scenario(results.Undefined, results.Skipped), results.Undefined},
		"pending":             {scenario(results.Pending, results.Skipped), results.Pending},
		"ambiguous":           {scenario(results.Ambiguous, results.Skipped), results.Ambiguous},
		"skipped midway":      {scenario(results.Passed, results.Skipped), results.Skipped},
		"stopped midway":      {scenario(results.Passed, results.NotRun), results.NotRun},
		"stopped after skip":  {scenario(results.Skipped, results.NotRun), results.NotRun},
		"without steps":       {scenario(), results.Undefined},
		"without steps, idle": {unstarted, results.NotRun},
		"hook failed":         {hook, results.Failed},
		"unknown status":      {scenario("?"), results.NotRun},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.scenario.Status(); got != c.want {
				t.Errorf("status %q, want %q", got, c.want)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	passed, skipped := scenario(results.Passed), scenario(results.Skipped)
	failed, unrun := scenario(results.Failed), scenario(results.NotRun)
	cases := map[string]struct {
		scenarios []results.Scenario
		problem   string
		reason    string // "" for a pass
		counts    string
	}{
		"all passed":       {[]results.Scenario{passed, passed}, "", "", "2 scenarios: 2 passed"},
		"one skipped":      {[]results.Scenario{passed, skipped}, "", "", "2 scenarios: 1 passed, 1 skipped"},
		"all skipped":      {[]results.Scenario{skipped}, "", "every scenario was skipped", "1 scenario: 1 skipped"},
		"none selected":    {nil, "", "no scenario was selected", "no scenarios"},
		"one failed":       {[]results.Scenario{passed, failed}, "", "1 of 2 scenarios failed", "2 scenarios: 1 passed, 1 failed"},
		"one not run":      {[]results.Scenario{passed, unrun}, "", "1 of 2 scenarios did not run", "2 scenarios: 1 passed, 1 not run"},
		"ended early":      {[]results.Scenario{passed}, "interrupted", "interrupted", "1 scenario: 1 passed"},
		"no cluster, none": {nil, "the cluster did not start", "the cluster did not start", "no scenarios"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run := results.Run{Error: c.problem, Features: []results.Feature{{Scenarios: c.scenarios}}}
			verdict := run.Verdict()
			if verdict.Reason != c.reason || verdict.Passed != (c.reason == "") {
				t.Errorf("passed %t because %q, want %q", verdict.Passed, verdict.Reason, c.reason)
			}
			if code := verdict.ExitCode(); (code == 0) != (c.reason == "") {
				t.Errorf("exit code %d", code)
			}
			if got := verdict.Counts.String(); got != c.counts {
				t.Errorf("counts %q, want %q", got, c.counts)
			}
		})
	}
}

func TestSkipReason(t *testing.T) {
	s := scenario(results.Passed, results.Skipped, results.Skipped)
	if got := s.SkipReason(); got != "no reason given" {
		t.Errorf("reason %q", got)
	}
	s.Steps[1].SkipReason = "no tunnel here"
	if got := s.SkipReason(); got != "no tunnel here" {
		t.Errorf("reason %q", got)
	}
	s.Steps[2].Status = results.Failed
	if got := s.SkipReason(); got != "" {
		t.Errorf("a failed scenario has the skip reason %q", got)
	}
}

func TestFullName(t *testing.T) {
	s := results.Scenario{Name: "Hosts", Example: []results.Property{{Name: "host", Value: "gyull.com"}, {Name: "code", Value: "200"}}}
	if got := s.FullName(); got != "Hosts [host=gyull.com, code=200]" {
		t.Errorf("name %q", got)
	}
}
