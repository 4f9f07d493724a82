package compatibility

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Document is the list as a page in Markdown, with the checks of the record that are artefacts. Scenarios are the feature
// files with scenarios that show a difference, as paths in the repository.
func Document(scenarios map[Difference][]string, artefacts []Artefact) (string, error) {
	recorded, err := Recorded()
	if err != nil {
		return "", err
	}
	var page strings.Builder
	page.WriteString(`# Compatibility with ingress-nginx

ingress-nginx has behaviour that harms some users, and that others rely on. By default the controller does what users
need. With ` + "`--compatibility=ingress-nginx`" + ` it does what ingress-nginx 1.15.1 does, so that other controllers can be compared with it.

A difference names its test, the feature files that show it with real traffic in both modes, and the cases of
[the record](record.md) that show it, with how many checks disagree because of it. ` + "`testbed replay`" + ` shows these checks apart from
those that disagree without a reason. ` + "`make conformance TAGS=@difference:NAME`" + ` runs the scenarios of one difference, and
` + "`TAGS=@compatibility`" + ` those of all. [` + "`testbed compare`" + `](compare.md) finds each on Ingresses that show it, unless the difference
says why it can't.

This page is generated: ` + "`go test ./controller/compatibility -update`" + ` writes it.

`)
	fmt.Fprintf(&page, "There are %d differences. What is [never reproduced](#never-reproduced) is at the end.\n", len(Rows()))
	for _, row := range Rows() {
		fmt.Fprintf(&page, "\n## %s\n\n", row.Difference)
		fmt.Fprintf(&page, "- ingress-nginx: %s\n- by default: %s\n- why: %s\n- test: `%s`\n- scenarios: %s\n- record: %s\n",
			row.Theirs, row.Ours, row.Why, row.Test, shownBy(row, scenarios), evidence(row, recorded))
		if reason := Uncompared()[row.Difference]; reason != "" {
			fmt.Fprintf(&page, "- comparison: none. %s\n", reason)
		}
	}
	writeNever(&page, artefacts)
	return page.String(), nil
}

// writeNever lists what no mode reproduces.
func writeNever(page *strings.Builder, artefacts []Artefact) {
	page.WriteString(`
## Never reproduced

No mode does what lets a request pass the rules, splits one request into two, gives a client the reply of another, or blocks
the changes of all Ingresses:

| ingress-nginx | here |
| --- | --- |
`)
	for _, one := range NeverReproduced() {
		fmt.Fprintf(page, "| %s | %s |\n", one.Theirs, one.Why)
	}
	page.WriteString("\nThese checks of the record show how it was made, and not how ingress-nginx behaves:\n\n")
	for _, artefact := range artefacts {
		for _, check := range artefact.Checks {
			fmt.Fprintf(page, "- `%s`, %s: %s\n", check.Case, check.Name, artefact.Reason)
		}
	}
}

// shownBy links to the feature files that show a difference.
func shownBy(row Row, scenarios map[Difference][]string) string {
	if reason := Unshown()[row.Difference]; reason != "" {
		return "none. " + reason
	}
	var links []string
	for _, file := range scenarios[row.Difference] {
		links = append(links, fmt.Sprintf("[%s](../%s)", path.Base(file), file))
	}
	return strings.Join(links, ", ")
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
