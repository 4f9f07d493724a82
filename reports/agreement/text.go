package agreement

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteSummary writes the agreement by area as a table.
func (r *Report) WriteSummary(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "area\tagree\ton purpose\tof\t\tby users\t")
	for i := range r.Areas {
		writeScore(table, r.Areas[i].Name, r.Areas[i].Score())
	}
	writeScore(table, "all", r.Score())
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range r.uncompared() {
		fmt.Fprintln(w, line)
	}
	return nil
}

// uncompared lists the cases that were skipped, by reason, and those that failed to run.
func (r *Report) uncompared() []string {
	var lines, reasons []string
	skipped := map[string][]string{}
	for i := range r.Areas {
		for k := range r.Areas[i].Cases {
			one := &r.Areas[i].Cases[k]
			if one.Problem != "" {
				lines = append(lines, fmt.Sprintf("failed to run: %s: %s", one.Name, one.Problem))
			}
			if one.Skipped != "" {
				if skipped[one.Skipped] == nil {
					reasons = append(reasons, one.Skipped)
				}
				skipped[one.Skipped] = append(skipped[one.Skipped], one.Name)
			}
		}
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("not compared: %s: %s", strings.Join(skipped[reason], ", "), reason))
	}
	return lines
}

func writeScore(w io.Writer, name string, score Score) {
	if score.Checks == 0 {
		fmt.Fprintf(w, "%s\t\t\t0\t\t\t\n", name)
		return
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t\n", name, score.Agree, score.Deliberate, score.Checks, Percent(score.Share()), Percent(score.WeightedShare()))
}

// Percent formats a share. Only all of it is 100 %.
func Percent(share float64) string {
	if share < 1 && share > 0.999 {
		return "99.9 %"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

// WriteDisagreements lists the checks that disagree without a deliberate difference, the most serious first, each with its
// differences.
func (r *Report) WriteDisagreements(w io.Writer) error {
	for _, one := range r.Disagreements() {
		if one.Check.Deliberate != "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s / %s: %s\n", one.Check.Differences[0].Gravity, one.Area, one.Case.Name, one.Check.Name); err != nil {
			return err
		}
		for _, difference := range one.Check.Differences {
			fmt.Fprintf(w, "    %s\n        recorded %s\n        observed %s\n", difference.What, shown(difference.Want), shown(difference.Got))
		}
	}
	return nil
}

// shown is a value in one line.
func shown(text string) string {
	const most = 200
	switch {
	case text == "":
		return "nothing"
	case len(text) > most:
		return fmt.Sprintf("%q and %d bytes more", text[:most], len(text)-most)
	}
	return fmt.Sprintf("%q", text)
}
