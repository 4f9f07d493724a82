package comparison

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

//go:embed comparison.gohtml
var page string

//go:embed comparison.css
var style string

// maxShown bounds the findings of one effect on the page. All of them are in the JSON.
const maxShown = 200

// WritePage writes one self-contained page: no script, and nothing that is loaded from elsewhere.
func (r *Report) WritePage(w io.Writer) error {
	parsed, err := template.New("comparison").Parse(page)
	if err != nil {
		return fmt.Errorf("parsing the page's template: %w", err)
	}
	if err := parsed.Execute(w, r.view()); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	return nil
}

// view is what the template sees.
type view struct {
	Style           template.CSS
	Title, Headline string
	Reference       string
	Problem         string
	// Worst names the Ingresses that Headline counts; "" if there are none.
	Worst               string
	Fails               bool
	Requests, Ingresses int
	When, Duration      string
	Candidates          []candidateView
	Inventory           []annotationView
	Notes               []string
}

type candidateView struct {
	Description   string
	Effects       []effectView
	SameIngresses int
	Same          int
	ByChance      int
	Skipped       []string
	Refused       []refusals
	// RefusedIngresses is how many they are.
	RefusedIngresses int
	Unjudged         []Unjudged
}

// effectView holds the findings with one effect.
type effectView struct {
	Name, Meaning, Anchor string
	// Class is the colour, and Pill that of the number.
	Class, Pill      string
	Ingresses, Count int
	Findings         []findingView
	Omitted          int
}

type findingView struct {
	Ingress, Request, Summary string
	Rule, Rules, Curl         string
	Want, Got                 string
	// Explanation is that of the candidate, and Expected that of the reference.
	Explanation, Expected string
	Differences           []Difference
	Causes, Others        []string
	More                  int
}

type annotationView struct {
	Name, Values, Requests string
	Count                  int
	Unknown                bool
}

func (r *Report) view() view {
	v := view{
		Style: theme.Style() + theme.EffectStyle() + template.CSS(style), Title: plaintext.Line(r.Title), Headline: r.Headline(), Reference: plaintext.Line(r.Reference),
		Problem: plaintext.Clean(r.Problem), Worst: r.worst(), Fails: r.Problem != "" || r.FailOn != effect.None && r.Gravest() >= r.FailOn,
		Requests: r.Requests, Ingresses: len(r.Ingresses),
		Duration: (time.Duration(r.Seconds * float64(time.Second))).Round(time.Second).String(), When: r.Started.UTC().Format("2 January 2006, 15:04 UTC"),
	}
	for i := range r.Candidates {
		v.Candidates = append(v.Candidates, r.newCandidate(i))
	}
	for _, annotation := range r.Inventory {
		v.Inventory = append(v.Inventory, annotationView{
			Name: plaintext.Line(annotation.Name), Values: excerpt(strings.Join(annotation.Values, " · ")), Requests: annotation.Requests,
			Count: len(annotation.Ingresses), Unknown: annotation.Unknown,
		})
	}
	for _, note := range r.Notes {
		v.Notes = append(v.Notes, plaintext.Line(note))
	}
	return v
}

// Headline is the most serious that is to be said, in one line.
func (r *Report) Headline() string {
	gravest, ingresses := r.Gravest(), 0
	for i := range r.Candidates {
		ingresses = max(ingresses, r.Candidates[i].Affected()[gravest])
	}
	if gravest == effect.None {
		if r.Problem != "" {
			return "Not compared to the end"
		}
		return "No difference"
	}
	return fmt.Sprintf("%s: %d of %d Ingresses", strings.ToUpper(gravest.String()[:1])+gravest.String()[1:], ingresses, len(r.Ingresses))
}

// worst names the Ingresses with the gravest effect.
func (r *Report) worst() string {
	gravest := r.Gravest()
	var names []string
	for i := range r.Candidates {
		for _, finding := range r.Candidates[i].Findings {
			if gravest != effect.None && finding.Effect == gravest && !slices.Contains(names, finding.Ingress) {
				names = append(names, finding.Ingress)
			}
		}
	}
	return some(names)
}

func (r *Report) newCandidate(number int) candidateView {
	c := &r.Candidates[number]
	v := candidateView{Description: plaintext.Line(c.Description), Same: c.Same, ByChance: c.ByChance, SameIngresses: len(r.Ingresses)}
	v.RefusedIngresses = len(c.Refused)
	for _, group := range c.refusals() {
		group.Reason, group.Log = plaintext.Line(group.Reason), plaintext.Clean(group.Log)
		v.Refused = append(v.Refused, group)
	}
	for _, one := range c.Unjudged {
		v.Unjudged = append(v.Unjudged, Unjudged{Ingress: one.Ingress, Request: plaintext.Line(one.Request), Reason: plaintext.Line(one.Reason)})
	}
	for _, reason := range slices.Sorted(maps.Keys(c.Skipped)) {
		v.Skipped = append(v.Skipped, fmt.Sprintf("%d were not sent: %s.", c.Skipped[reason], plaintext.Line(reason)))
	}
	affected := c.Affected()
	for _, e := range Effects() {
		shown := effectView{
			Name: e.String(), Meaning: e.Meaning(), Anchor: fmt.Sprintf("%s-%d", strings.ReplaceAll(e.String(), " ", "-"), number),
			Class: theme.Gravity(e), Pill: "skipped", Ingresses: affected[e],
		}
		if e >= effect.Lost {
			shown.Pill = "failed"
		}
		v.SameIngresses -= affected[e]
		for i := range c.Findings {
			if c.Findings[i].Effect != e {
				continue
			}
			shown.Count++
			if shown.Count > maxShown {
				shown.Omitted++
				continue
			}
			shown.Findings = append(shown.Findings, newFinding(&c.Findings[i]))
		}
		v.Effects = append(v.Effects, shown)
	}
	return v
}

func newFinding(f *Finding) findingView {
	v := findingView{
		Ingress: f.Ingress, Request: plaintext.Line(f.Request), Rules: plaintext.Line(some(f.Rules)), Curl: plaintext.Clean(f.Curl),
		Rule: plaintext.Line(f.Host + f.Path), Want: plaintext.Clean(f.Want), Got: plaintext.Clean(f.Got), Explanation: plaintext.Clean(f.Explanation),
		Expected: plaintext.Clean(f.ReferenceExplanation), Causes: f.Causes, More: f.More,
	}
	if len(f.Differences) > 0 {
		first := f.Differences[0]
		v.Summary = fmt.Sprintf("%s: %s instead of %s", plaintext.Line(first.What), brief(first.Got), brief(first.Want))
	}
	for _, d := range f.Differences {
		shown := Difference{What: plaintext.Line(d.What), Want: excerpt(d.Want), Got: excerpt(d.Got)}
		if len(f.Causes) > 1 { // a single one is that of all differences
			shown.Causes = d.Causes
		}
		v.Differences = append(v.Differences, shown)
	}
	for _, other := range f.Others {
		v.Others = append(v.Others, plaintext.Line(other))
	}
	return v
}

// excerpt is the beginning of a long value.
func excerpt(text string) string {
	const most = 400
	return plaintext.Shorten(plaintext.Clean(text), most, func(omitted int) string { return fmt.Sprintf(" … %d bytes left out … ", omitted) })
}
