package comparison

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	return nil
}

// WriteText writes the findings of each candidate for a terminal: at most so many of each effect.
func (r *Report) WriteText(w io.Writer, most int) error {
	for i := range r.Candidates {
		c := &r.Candidates[i]
		fmt.Fprintf(w, "%s\ncompared with %s\n\n", plaintext.Line(c.Description), plaintext.Line(r.Reference))
		for _, refusal := range c.refusals() {
			refusal.write(w)
		}
		for _, e := range Effects() {
			c.writeEffect(w, e, most)
		}
		c.writeUnjudged(w, most)
		if err := r.writeSummary(w, c); err != nil {
			return err
		}
	}
	for _, unknown := range r.Unknown() {
		fmt.Fprintf(w, "unknown annotation: %s, in %s\n", plaintext.Line(unknown.Name), some(unknown.Ingresses))
	}
	if r.Problem != "" {
		fmt.Fprintf(w, "ended early: %s\n", plaintext.Line(r.Problem))
	}
	return nil
}

func (r refusals) write(w io.Writer) {
	fmt.Fprintf(w, "NEVER TAKEN UP: %s\n    %s\n", some(r.Ingresses), plaintext.Line(r.Reason))
	for line := range strings.Lines(r.Log) {
		fmt.Fprintf(w, "    log: %s\n", plaintext.Line(strings.TrimRight(line, "\n")))
	}
}

func (c *Candidate) writeEffect(w io.Writer, e effect.Effect, most int) {
	shown, left := 0, 0
	for i := range c.Findings {
		f := &c.Findings[i]
		switch {
		case f.Effect != e:
			continue
		case shown == most:
			left++
			continue
		}
		shown++
		fmt.Fprintf(w, "%s: %s\n    %s\n", strings.ToUpper(e.String()), f.Ingress, plaintext.Line(f.Request))
		for _, d := range f.Differences[:min(len(f.Differences), 3)] {
			fmt.Fprintf(w, "    %s: %s instead of %s\n", plaintext.Line(d.What), brief(d.Got), brief(d.Want))
		}
		fmt.Fprintf(w, "    probes %s\n", plaintext.Line(some(f.Rules)))
		if f.More > 0 {
			fmt.Fprintf(w, "    %d more requests show it\n", f.More)
		}
		if len(f.Causes) > 0 {
			fmt.Fprintf(w, "    because of %s (docs/compatibility.md)\n", strings.Join(f.Causes, ", "))
		}
	}
	if left > 0 {
		fmt.Fprintf(w, "%s: %d more\n", strings.ToUpper(e.String()), left)
	}
}

// writeUnjudged lists the requests that could not be judged.
func (c *Candidate) writeUnjudged(w io.Writer, most int) {
	for i, one := range c.Unjudged {
		if i == most {
			fmt.Fprintf(w, "could not be judged: %d more\n", len(c.Unjudged)-most)
			return
		}
		fmt.Fprintf(w, "could not be judged: %s\n    %s\n    %s\n", one.Ingress, plaintext.Line(one.Request), plaintext.Line(one.Reason))
	}
}

func (r *Report) writeSummary(w io.Writer, c *Candidate) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	affected := c.Affected()
	differ := 0
	fmt.Fprintln(table, "\neffect\tIngresses\tfindings\t")
	for _, e := range Effects() {
		findings := 0
		for _, finding := range c.Findings {
			if finding.Effect == e {
				findings++
			}
		}
		differ += affected[e]
		fmt.Fprintf(table, "%s\t%d\t%d\t\n", e, affected[e], findings)
	}
	if n := len(c.Refused); n > 0 {
		fmt.Fprintf(table, "never taken up\t%d\t\t\n", n)
	}
	fmt.Fprintf(table, "the same\t%d\t\t\n", max(0, len(r.Ingresses)-differ))
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	fmt.Fprintf(w, "\n%d requests for %d Ingresses, %d with the same answers", r.Requests, len(r.Ingresses), c.Same)
	if c.ByChance > 0 {
		fmt.Fprintf(w, ", %d different only by chance", c.ByChance)
	}
	if n := len(c.Unjudged); n > 0 {
		fmt.Fprintf(w, ", %d that could not be judged", n)
	}
	fmt.Fprintln(w)
	for _, reason := range slices.Sorted(maps.Keys(c.Skipped)) {
		fmt.Fprintf(w, "%d not sent: %s\n", c.Skipped[reason], plaintext.Line(reason))
	}
	fmt.Fprintln(w)
	return nil
}

// Unknown are the annotations that ingress-nginx doesn't have.
func (r *Report) Unknown() []Annotation {
	var all []Annotation
	for _, annotation := range r.Inventory {
		if annotation.Unknown {
			all = append(all, annotation)
		}
	}
	return all
}

// some lists the first of several texts.
func some(texts []string) string {
	const most = 4
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
}

// brief is a value in a few words.
func brief(text string) string {
	const most = 120
	text = plaintext.Line(text)
	switch {
	case text == "":
		return "none"
	case len(text) > most:
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
