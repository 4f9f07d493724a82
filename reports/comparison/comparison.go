// Package comparison reports how candidates treat the Ingresses of a user differently from a reference: by effect, the most serious
// first. It writes a page, JSON, JUnit XML, Markdown and text.
package comparison

import (
	"cmp"
	"slices"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
)

// Report is the comparison of a reference with one or more candidates.
type Report struct {
	Title     string    `json:"title"`
	Reference string    `json:"reference"`
	Started   time.Time `json:"started"`
	Seconds   float64   `json:"seconds"`
	// Ingresses that were compared, as namespace/name, and Requests, how many were derived from them.
	Ingresses []string `json:"ingresses"`
	Requests  int      `json:"requests"`
	// FailOn is the least effect that counts as a failure; effect.None if none does.
	FailOn effect.Effect `json:"failOn"`
	// Problem is why the comparison ended early; "" if it didn't.
	Problem string `json:"problem,omitempty"`
	// Notes are sentences on how the objects were changed, and on what was left out.
	Notes      []string     `json:"notes,omitempty"`
	Inventory  []Annotation `json:"inventory"`
	Candidates []Candidate  `json:"candidates"`
}

// Annotation is an annotation of the Ingresses.
type Annotation struct {
	Name string `json:"name"`
	// Ingresses that have it, as namespace/name, and some of its Values.
	Ingresses []string `json:"ingresses"`
	Values    []string `json:"values"`
	// Requests describes what was sent because of it.
	Requests string `json:"requests"`
	// Unknown is whether ingress-nginx has no such annotation.
	Unknown bool `json:"unknown,omitempty"`
}

// Candidate is a controller that was compared with the reference.
type Candidate struct {
	Description string `json:"description"`
	// Refused are the Ingresses that it, but not the reference, never took up.
	Refused []Refusal `json:"refused,omitempty"`
	// Findings, the most serious first.
	Findings []Finding `json:"findings,omitempty"`
	// Same is how many requests had the same answers, and ByChance how many differed only by chance.
	Same     int `json:"same"`
	ByChance int `json:"byChance,omitempty"`
	// Unjudged are the requests whose answers can't be compared.
	Unjudged []Unjudged `json:"unjudged,omitempty"`
	// Skipped is how many requests could not be sent, by reason.
	Skipped map[string]int `json:"skipped,omitempty"`
}

// Refusal is an Ingress that wasn't taken up: it was refused, or nothing is served for it.
type Refusal struct {
	Ingress string `json:"ingress"`
	Reason  string `json:"reason"`
	// Log are the lines about it of the controller's log; "" if there are none.
	Log string `json:"log,omitempty"`
}

// Unjudged is a request whose answers can't be compared: those of one side change from request to request, or it doesn't respond.
// It says nothing about the controllers, and is no finding.
type Unjudged struct {
	Ingress string `json:"ingress"`
	Request string `json:"request"`
	Reason  string `json:"reason"`
}

// Finding is a difference for an Ingress, with one of the requests that show it.
type Finding struct {
	// ID is that of the request, the same in every run.
	ID string `json:"id"`
	// Ingress is namespace/name of the one that the request belongs to.
	Ingress string        `json:"ingress"`
	Effect  effect.Effect `json:"effect"`
	// Rules are what the request probes, such as "auth-url: the authentication server answers 401".
	Rules []string `json:"rules"`
	// Host and Path are those of the Ingress's rule.
	Host string `json:"host,omitempty"`
	Path string `json:"path,omitempty"`
	// Request in one line, and as a curl command.
	Request string `json:"request"`
	Curl    string `json:"curl"`
	// Differences, the most serious first.
	Differences []Difference `json:"differences"`
	// Want and Got are the whole answers of the reference and the candidate.
	Want string `json:"want"`
	Got  string `json:"got"`
	// More is how many other requests show the same, and Others some of them.
	More   int      `json:"more,omitempty"`
	Others []string `json:"others,omitempty"`
	// Causes are those of the differences.
	Causes []string `json:"causes,omitempty"`
	// Explanation says how the candidate came to its answer; "" if that isn't known. Then ReferenceExplanation says how the reference came
	// to the answer that is expected; "" if that isn't known either.
	Explanation          string `json:"explanation,omitempty"`
	ReferenceExplanation string `json:"referenceExplanation,omitempty"`
}

// Difference is one difference between two answers.
type Difference struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
	// Causes are the rows of docs/compatibility.md that it comes from, for the test-bed's own controller.
	Causes []string `json:"causes,omitempty"`
}

// Effects lists the effects that differences of answers have, the gravest first.
func Effects() []effect.Effect {
	return []effect.Effect{
		effect.ProtectionLost, effect.AnotherBackend, effect.Lost, effect.RedirectedDifferently, effect.Headers, effect.Cosmetic,
	}
}

// Sort puts the most serious findings first, and those of the same effect by Ingress and request.
func (c *Candidate) Sort() {
	slices.SortStableFunc(c.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Effect, a.Effect), cmp.Compare(a.Ingress, b.Ingress), cmp.Compare(b.More, a.More), cmp.Compare(a.Request, b.Request))
	})
	slices.SortFunc(c.Refused, func(a, b Refusal) int { return cmp.Compare(a.Ingress, b.Ingress) })
}

// Gravest is the gravest effect of the findings.
func (c *Candidate) Gravest() effect.Effect {
	gravest := effect.None
	for _, finding := range c.Findings {
		gravest = max(gravest, finding.Effect)
	}
	return gravest
}

// Gravest is the gravest effect of all candidates.
func (r *Report) Gravest() effect.Effect {
	gravest := effect.None
	for i := range r.Candidates {
		gravest = max(gravest, r.Candidates[i].Gravest())
	}
	return gravest
}

// Affected counts the Ingresses by the gravest of their effects.
func (c *Candidate) Affected() map[effect.Effect]int {
	gravest := map[string]effect.Effect{}
	for _, finding := range c.Findings {
		gravest[finding.Ingress] = max(gravest[finding.Ingress], finding.Effect)
	}
	counts := map[effect.Effect]int{}
	for _, one := range gravest {
		counts[one]++
	}
	return counts
}
