package results

import (
	"fmt"
	"strings"
)

// Counts are numbers of scenarios. Those whose steps are undefined, pending or ambiguous count as failed.
type Counts struct {
	Total, Passed, Failed, Skipped, NotRun int
}

// Count counts the feature's scenarios.
func (f *Feature) Count() Counts {
	var counts Counts
	for i := range f.Scenarios {
		counts.Total++
		switch status := f.Scenarios[i].Status(); {
		case status == Passed:
			counts.Passed++
		case status == Skipped:
			counts.Skipped++
		case status == NotRun:
			counts.NotRun++
		default:
			counts.Failed++
		}
	}
	return counts
}

// Count counts the run's scenarios.
func (r *Run) Count() Counts {
	var sum Counts
	for i := range r.Features {
		sum = sum.Plus(r.Features[i].Count())
	}
	return sum
}

// Plus returns the sums.
func (c Counts) Plus(other Counts) Counts {
	return Counts{
		Total: c.Total + other.Total, Passed: c.Passed + other.Passed, Failed: c.Failed + other.Failed,
		Skipped: c.Skipped + other.Skipped, NotRun: c.NotRun + other.NotRun,
	}
}

// String is like "12 scenarios: 10 passed, 1 failed, 1 skipped".
func (c Counts) String() string {
	if c.Total == 0 {
		return "no scenarios"
	}
	var parts []string
	for _, part := range []struct {
		count int
		name  Status
	}{{c.Passed, Passed}, {c.Failed, Failed}, {c.Skipped, Skipped}, {c.NotRun, NotRun}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.name))
		}
	}
	noun := "scenarios"
	if c.Total == 1 {
		noun = "scenario"
	}
	return fmt.Sprintf("%d %s: %s", c.Total, noun, strings.Join(parts, ", "))
}

// Verdict is the judgement of a whole run, from which the exit code follows.
type Verdict struct {
	Passed bool
	// Reason says in one phrase why it is not passed; empty if it is.
	Reason string
	Counts Counts
}

// Verdict passes a run if at least one scenario passed, none failed and none was left unrun, and nothing ended it
// early. Skipped scenarios, which say why they can't be shown here, neither pass nor fail: they don't change the
// verdict of a run in which others passed, and a run in which all were skipped is not passed.
func (r *Run) Verdict() Verdict {
	verdict := Verdict{Counts: r.Count()}
	switch counts := verdict.Counts; {
	case r.Error != "":
		verdict.Reason = r.Error
	case counts.Total == 0:
		verdict.Reason = "no scenario was selected"
	case counts.Failed > 0:
		verdict.Reason = fmt.Sprintf("%d of %d scenarios failed", counts.Failed, counts.Total)
	case counts.NotRun > 0:
		verdict.Reason = fmt.Sprintf("%d of %d scenarios did not run", counts.NotRun, counts.Total)
	case counts.Passed == 0:
		verdict.Reason = "every scenario was skipped"
	default:
		verdict.Passed = true
	}
	return verdict
}

// ExitCode is what a command that made the run should end with: 0 if it passed, and 1 otherwise.
func (v Verdict) ExitCode() int {
	if v.Passed {
		return 0
	}
	return 1
}
