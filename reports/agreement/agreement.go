// Package agreement reports how far a controller agrees with a record: by area, weighted by users, with each disagreement
// and both answers side by side. It writes a page, JUnit XML, JSON and text.
package agreement

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// Report is the comparison of a controller with a record.
type Report struct {
	Title string `json:"title"`
	// Record and Controller describe the two sides.
	Record     string    `json:"record"`
	Controller string    `json:"controller"`
	Facts      []Fact    `json:"facts,omitempty"`
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"`
	// Problem is why the comparison ended early; "" if it didn't.
	Problem string `json:"problem,omitempty"`
	// Deliberate are the differences that checks name as theirs.
	Deliberate []Deliberate `json:"deliberate,omitempty"`
	Areas      []Area       `json:"areas"`
}

// Fact is a property of the run.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Area is a group of cases.
type Area struct {
	Name  string `json:"name"`
	Cases []Case `json:"cases"`
}

// Case is a set of objects with the requests that were sent.
type Case struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	// Users is the weight of the case's checks, from 1 to 5.
	Users int `json:"users"`
	// Skipped is why the case can't be compared on this cluster, and Problem why it failed to run; "" otherwise.
	Skipped string `json:"skipped,omitempty"`
	Problem string `json:"problem,omitempty"`
	// Objects as YAML.
	Objects string  `json:"objects,omitempty"`
	Seconds float64 `json:"seconds"`
	Checks  []Check `json:"checks"`
}

// Check is one comparison: the answers to a request, or the admission of an object.
type Check struct {
	Name string `json:"name"`
	// Exception is why the check isn't scored; nil if it is.
	Exception *Exception `json:"exception,omitempty"`
	// Deliberate names the deliberate difference that the check's disagreement is due to; "" for none.
	Deliberate string `json:"deliberate,omitempty"`
	// Want and Got describe both answers.
	Want string `json:"want"`
	Got  string `json:"got"`
	// Differences, the most serious first; none if the answers agree.
	Differences  []Difference           `json:"differences,omitempty"`
	Distribution *evidence.Distribution `json:"distribution,omitempty"`
}

// Agrees reports whether the answers agree.
func (c *Check) Agrees() bool { return len(c.Differences) == 0 }

// Exception is why a recorded answer doesn't show the controller's behaviour.
type Exception struct {
	Kind   string `json:"kind"` // such as "artefact"
	Reason string `json:"reason"`
}

// Deliberate is an intended difference from the record.
type Deliberate struct {
	Name string `json:"name"`
	// Recorded and Observed are the two behaviours, and Reason why the second is better.
	Recorded string `json:"recorded"`
	Observed string `json:"observed"`
	Reason   string `json:"reason"`
}

// Difference is one difference between two answers.
type Difference struct {
	Kind string `json:"kind"`
	// Gravity is the effect, such as "route lost", and Rank its order: the most serious has the highest.
	Gravity string `json:"gravity"`
	Rank    int    `json:"rank"`
	What    string `json:"what"`
	Want    string `json:"want"`
	Got     string `json:"got"`
}

// Score counts the checks that agree. Exceptions and skipped cases don't count.
type Score struct {
	Agree, Checks int
	// Deliberate counts the checks that disagree because of a deliberate difference.
	Deliberate int
	// WeightedAgree and Weighted count each check as often as its case has users.
	WeightedAgree, Weighted int
}

// Share of the checks that agree, from 0 to 1; 0 without checks.
func (s Score) Share() float64 { return share(s.Agree, s.Checks) }

// Unexplained is how many checks disagree without a deliberate difference.
func (s Score) Unexplained() int { return s.Checks - s.Agree - s.Deliberate }

// Failure is why a run doesn't pass if allowed checks may disagree without a deliberate difference; "" if it passes.
func (s Score) Failure(allowed int) string {
	switch {
	case s.Checks == 0:
		return "Nothing was compared."
	case s.Unexplained() > allowed:
		return fmt.Sprintf("%d checks disagree, and not on purpose.", s.Unexplained())
	}
	return ""
}

// WeightedShare is Share, weighted by users.
func (s Score) WeightedShare() float64 { return share(s.WeightedAgree, s.Weighted) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func (s Score) plus(other Score) Score {
	return Score{
		Agree: s.Agree + other.Agree, Checks: s.Checks + other.Checks, Deliberate: s.Deliberate + other.Deliberate,
		WeightedAgree: s.WeightedAgree + other.WeightedAgree, Weighted: s.Weighted + other.Weighted,
	}
}

// Score of a case. A case that failed to run disagrees in one check at least.
func (c *Case) Score() Score {
	var score Score
	if c.Skipped != "" {
		return score
	}
	add := func(agrees bool) {
		score.Checks++
		score.Weighted += c.Users
		if agrees {
			score.Agree++
			score.WeightedAgree += c.Users
		}
	}
	for i := range c.Checks {
		check := &c.Checks[i]
		if check.Exception != nil {
			continue
		}
		add(check.Agrees())
		if !check.Agrees() && check.Deliberate != "" {
			score.Deliberate++
		}
	}
	if c.Problem != "" {
		add(false)
	}
	return score
}

// Score of an area.
func (a *Area) Score() Score {
	var score Score
	for i := range a.Cases {
		score = score.plus(a.Cases[i].Score())
	}
	return score
}

// Score of the whole report.
func (r *Report) Score() Score {
	var score Score
	for i := range r.Areas {
		score = score.plus(r.Areas[i].Score())
	}
	return score
}

// Disagreement is a check that disagrees, with where it is.
type Disagreement struct {
	Area  string
	Case  *Case
	Check *Check
}

// Rank is that of the most serious difference.
func (d Disagreement) Rank() int { return d.Check.Differences[0].Rank }

// Disagreements lists the checks that disagree and count, the most serious first, and of the same gravity those with more
// users.
func (r *Report) Disagreements() []Disagreement {
	var all []Disagreement
	for i := range r.Areas {
		area := &r.Areas[i]
		for k := range area.Cases {
			one := &area.Cases[k]
			for n := range one.Checks {
				if check := &one.Checks[n]; !check.Agrees() && check.Exception == nil {
					all = append(all, Disagreement{Area: area.Name, Case: one, Check: check})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Disagreement) int {
		return cmp.Or(cmp.Compare(b.Rank(), a.Rank()), cmp.Compare(b.Case.Users, a.Case.Users))
	})
	return all
}
