package compatibility

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Document is the list as a page in Markdown.
func Document() (string, error) {
	recorded, err := Recorded()
	if err != nil {
		return "", err
	}
	var page strings.Builder
	page.WriteString(`# Compatibility with ingress-nginx

ingress-nginx has behaviour that its users suffer from, and others rely on. By default the controller does what users
need. With ` + "`--compatibility=ingress-nginx`" + ` it does what ingress-nginx 1.15.1 does, so that it can stand in for it in comparisons.

A difference names its test, and the cases of [the record](record.md) that show it, with how many checks disagree because of
it. ` + "`testbed replay`" + ` shows these checks apart from those that disagree without a reason.

This page is generated: ` + "`go test ./controller/compatibility -update`" + ` writes it.

`)
	fmt.Fprintf(&page, "There are %d differences.\n", len(Rows()))
	for _, row := range Rows() {
		fmt.Fprintf(&page, "\n## %s\n\n", row.Difference)
		fmt.Fprintf(&page, "- ingress-nginx: %s\n- by default: %s\n- why: %s\n- test: `%s`\n- record: %s\n",
			row.Theirs, row.Ours, row.Why, row.Test, evidence(row, recorded))
	}
	return page.String(), nil
}

// evidence is what shows a difference in the record of ingress-nginx: how many checks of which cases.
func evidence(row Row, recorded map[Check]Difference) string {
	if row.Unrecorded != "" {
		return "none. " + row.Unrecorded
	}
	cases := map[string]int{}
	for check, difference := range recorded {
		if difference == row.Difference {
			cases[check.Case]++
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		parts = append(parts, fmt.Sprintf("`%s` (%d)", name, cases[name]))
	}
	return strings.Join(parts, ", ")
}
