package agreement

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

//go:embed agreement.gohtml
var page string

//go:embed agreement.css
var style string

// WritePage writes one self-contained page: no script, and nothing that is loaded from elsewhere.
func (r *Report) WritePage(w io.Writer) error {
	parsed, err := template.New("agreement").Parse(page)
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
	Style          template.CSS
	Title, Record  string
	Controller     string
	Problem        string
	All            scoreView
	Facts          []Fact
	Areas          []areaView
	Groups         []groupView
	Deliberate     []deliberateView
	Problems       []caseView
	Skipped        []caseView
	Exceptions     []caseView
	Duration, When string
}

// scoreView is a score as figures.
type scoreView struct {
	Agree, Checks, Deliberate, Unexplained int
	Share, Weighted                        string
}

type areaView struct {
	Name  string
	Score scoreView
}

// deliberateView holds the disagreements that are due to one deliberate difference.
type deliberateView struct {
	Deliberate
	Checks []checkView
}

// groupView holds the unexplained disagreements with one effect.
type groupView struct {
	Gravity string
	Anchor  string
	Checks  []checkView
}

type checkView struct {
	Area, Case, Name string
	// Summary is the most serious difference in one line.
	Summary       string
	Users         int
	Differences   []Difference
	Want, Got     string
	Objects, Note string
	// Deliberate reports whether the check differs on purpose.
	Deliberate bool
	Shares     []string
	Test       string
}

type caseView struct{ Area, Name, Reason string }

func (r *Report) view() view {
	v := view{
		Style: theme.Style() + template.CSS(style), Title: plaintext.Line(r.Title), Record: plaintext.Line(r.Record),
		Controller: plaintext.Line(r.Controller), Problem: plaintext.Clean(r.Problem), All: newScore(r.Score()), Facts: r.Facts,
		Duration: (time.Duration(r.Seconds * float64(time.Second))).Round(time.Second).String(), When: r.Started.UTC().Format("2 January 2006, 15:04 UTC"),
	}
	for i := range r.Areas {
		area := &r.Areas[i]
		v.Areas = append(v.Areas, areaView{Name: area.Name, Score: newScore(area.Score())})
		for k := range area.Cases {
			v.addCase(area.Name, &area.Cases[k])
		}
	}
	for _, one := range r.Deliberate {
		v.Deliberate = append(v.Deliberate, deliberateView{Deliberate: one})
	}
	for _, one := range r.Disagreements() {
		if one.Check.Deliberate != "" {
			v.addDeliberate(one)
			continue
		}
		gravity := one.Check.Differences[0].Gravity
		if last := len(v.Groups) - 1; last < 0 || v.Groups[last].Gravity != gravity {
			v.Groups = append(v.Groups, groupView{Gravity: gravity, Anchor: strings.ReplaceAll(gravity, " ", "-")})
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Checks = append(group.Checks, newCheck(one))
	}
	return v
}

// addDeliberate adds a check to its deliberate difference.
func (v *view) addDeliberate(one Disagreement) {
	at := slices.IndexFunc(v.Deliberate, func(d deliberateView) bool { return d.Name == one.Check.Deliberate })
	if at < 0 {
		at = len(v.Deliberate)
		v.Deliberate = append(v.Deliberate, deliberateView{Deliberate: Deliberate{Name: one.Check.Deliberate}})
	}
	v.Deliberate[at].Checks = append(v.Deliberate[at].Checks, newCheck(one))
}

func (v *view) addCase(area string, one *Case) {
	if one.Problem != "" {
		v.Problems = append(v.Problems, caseView{area, one.Name, one.Problem})
	}
	if one.Skipped != "" {
		v.Skipped = append(v.Skipped, caseView{area, one.Name, one.Skipped})
	}
	reasons := map[string]bool{}
	for i := range one.Checks {
		if exception := one.Checks[i].Exception; exception != nil && !reasons[exception.Reason] {
			reasons[exception.Reason] = true
			v.Exceptions = append(v.Exceptions, caseView{area, one.Name, exception.Kind + ": " + exception.Reason})
		}
	}
}

func newScore(s Score) scoreView {
	return scoreView{
		Agree: s.Agree, Checks: s.Checks, Deliberate: s.Deliberate, Unexplained: s.Unexplained(),
		Share: Percent(s.Share()), Weighted: Percent(s.WeightedShare()),
	}
}

func newCheck(one Disagreement) checkView {
	v := checkView{
		Area: one.Area, Case: one.Case.Name, Name: one.Check.Name, Users: one.Case.Users, Note: one.Case.Note,
		Want: plaintext.Clean(one.Check.Want), Got: plaintext.Clean(one.Check.Got), Objects: plaintext.Clean(one.Case.Objects),
		Deliberate: one.Check.Deliberate != "",
	}
	first := one.Check.Differences[0]
	v.Summary = plaintext.Line(fmt.Sprintf("%s: %s instead of %s", first.What, brief(first.Got), brief(first.Want)))
	for _, difference := range one.Check.Differences {
		difference.Want, difference.Got = excerpt(difference.Want), excerpt(difference.Got)
		v.Differences = append(v.Differences, difference)
	}
	if d := one.Check.Distribution; d != nil {
		v.Test = d.Test
		for _, share := range d.Shares {
			v.Shares = append(v.Shares, fmt.Sprintf("%d × %s, accepted %d to %d", share.Observed, share.Label, share.Low, share.High))
		}
	}
	return v
}

// excerpt is the beginning of a long value.
func excerpt(text string) string {
	const most = 400
	return plaintext.Shorten(plaintext.Clean(text), most, func(omitted int) string { return fmt.Sprintf(" … %d bytes left out … ", omitted) })
}

// brief is the beginning of a value in one line.
func brief(text string) string {
	const most = 80
	switch {
	case text == "":
		return "none"
	case len(text) > most:
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
