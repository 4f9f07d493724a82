package comparison

import (
	"fmt"
	"io"
	"strings"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// maxListed bounds the findings of one effect in Markdown.
const maxListed = 10

// WriteMarkdown writes a summary for the comment of a pull request.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "## %s\n", r.Headline())
	if r.Problem != "" {
		fmt.Fprintf(&text, "\n**Ended early:** %s\n", escaped(r.Problem))
	}
	for i := range r.Candidates {
		r.writeCandidate(&text, &r.Candidates[i])
	}
	if unknown := r.Unknown(); len(unknown) > 0 {
		fmt.Fprint(&text, "\nUnknown annotations:\n\n")
		for _, annotation := range unknown {
			fmt.Fprintf(&text, "- %s in %s\n", code(annotation.Name), escaped(some(annotation.Ingresses)))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *Report) writeCandidate(text *strings.Builder, c *Candidate) {
	fmt.Fprintf(text, "\n%s, compared with %s: %d requests for %d Ingresses.\n\n| effect | Ingresses | findings |\n| --- | ---: | ---: |\n",
		escaped(c.Description), escaped(r.Reference), r.Requests, len(r.Ingresses))
	affected := c.Affected()
	for _, e := range Effects() {
		count := 0
		for _, finding := range c.Findings {
			if finding.Effect == e {
				count++
			}
		}
		if count > 0 {
			fmt.Fprintf(text, "| %s | %d | %d |\n", e, affected[e], count)
		}
	}
	for _, refusal := range c.refusals() {
		fmt.Fprintf(text, "\n**Never taken up:** %s: %s\n", code(some(refusal.Ingresses)), escaped(refusal.Reason))
	}
	for _, e := range Effects() {
		c.listEffect(text, e)
	}
	c.listUnjudged(text)
}

func (c *Candidate) listEffect(text *strings.Builder, e effect.Effect) {
	listed, left := 0, 0
	for i := range c.Findings {
		f := &c.Findings[i]
		if f.Effect != e {
			continue
		}
		if listed == maxListed {
			left++
			continue
		}
		if listed == 0 {
			fmt.Fprintf(text, "\n### %s\n\n%s\n\n", strings.ToUpper(e.String()[:1])+e.String()[1:], e.Meaning())
		}
		listed++
		fmt.Fprintf(text, "- %s: %s\n", code(f.Ingress), code(f.Request))
		if len(f.Differences) > 0 {
			d := f.Differences[0]
			fmt.Fprintf(text, "  %s: %s, reference %s", escaped(d.What), code(brief(d.Got)), code(brief(d.Want)))
		}
		if f.More > 0 {
			fmt.Fprintf(text, " (%d more requests)", f.More)
		}
		fmt.Fprintln(text)
	}
	if left > 0 {
		fmt.Fprintf(text, "- and %d more\n", left)
	}
}

func (c *Candidate) listUnjudged(text *strings.Builder) {
	for i, one := range c.Unjudged {
		if i == 0 {
			fmt.Fprint(text, "\n### Could not be judged\n\n")
		}
		if i == maxListed {
			fmt.Fprintf(text, "- and %d more\n", len(c.Unjudged)-maxListed)
			return
		}
		fmt.Fprintf(text, "- %s: %s\n  %s\n", code(one.Ingress), code(one.Request), escaped(one.Reason))
	}
}

// code is a text in a code span, whatever is in it (CommonMark, "Code spans").
func code(text string) string {
	text = plaintext.Line(text)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if fence != "`" {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// escaped is a text in which nothing is markup.
func escaped(text string) string {
	return strings.NewReplacer("\\", "\\\\", "<", "&lt;", "&", "&amp;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "|", "\\|", "@", "&#64;").
		Replace(plaintext.Line(text))
}
