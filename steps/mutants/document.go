package mutants

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const introduction = `# Mutants

A scenario is worth something if it fails when the controller is wrong. This table shows that: each line is a mutant, which
is the test-bed's own controller with one fault in the table of routes that its proxy serves, and the conformance scenarios
that fail with it. A test fails if no scenario about the subject of a mutant finds it; with ` + "`-others`" + `, as for this page, it also runs
the scenarios about something else, of which none may fail but those that can't do without the subject. These are listed below.

- *ignored*: the policy, or the part of the table, is left out;
- *inverted*: its decision is negated, or it chooses the opposite;
- *neighbour*: the next path of the host, or of the next host, has it, too. A policy that is from a setting of the controller
  has no such mutant: all paths have it already, which the test verifies with every table.

The scenarios run in process, without a cluster, each with a controller and proxy of its own; what needs a cluster is left
out, and listed below. The number at the end of a line is how many scenarios have the subject in their tables.
` + "`make mutants-table` writes this page; the package [mutant](../proxy/mutant) makes the mutants.\n"

// Document is the page docs/mutants.md.
func (s *Survey) Document() string {
	var text strings.Builder
	text.WriteString(introduction + "\n")
	fmt.Fprintf(&text, "%d mutants of %d subjects, %d scenarios in process", len(s.Findings), s.subjects(), s.Ran)
	if s.Others {
		text.WriteString("; with each mutant also those about something else, of which none fails.\n")
	} else {
		text.WriteString("; with each mutant, those about its subject.\n")
	}
	text.WriteString("\n| subject | fault | scenarios that fail | of |\n| --- | --- | --- | --- |\n")
	last := ""
	for _, finding := range s.Findings {
		subject := ""
		if finding.Mutant.Subject != last {
			subject = "`" + finding.Mutant.Subject + "`"
		}
		last = finding.Mutant.Subject
		fmt.Fprintf(&text, "| %s | %s | %s | %d |\n", subject, finding.Mutant.Fault, finding.summary(), finding.Affected)
	}
	text.WriteString("\n## Scenarios that need a subject that they aren't about\n\n")
	for _, line := range s.needed() {
		fmt.Fprintf(&text, "- %s\n", line)
	}
	text.WriteString("\n## Scenarios that are left out\n\n")
	for _, reason := range s.reasons() {
		fmt.Fprintf(&text, "- %s\n", reason)
	}
	return text.String()
}

// needed lists subjects with the files and tags of scenarios that need them.
func (s *Survey) needed() []string {
	var all []string
	for _, finding := range s.Findings {
		if patterns := needed(finding.Mutant.Subject); len(patterns) > 0 {
			all = append(all, fmt.Sprintf("`%s`: `%s`", finding.Mutant.Subject, strings.Join(patterns, "`, `")))
		}
	}
	return slices.Compact(all)
}

func (s *Survey) subjects() int {
	names := map[string]bool{}
	for _, finding := range s.Findings {
		names[finding.Mutant.Subject] = true
	}
	return len(names)
}

// maxNamed is how many scenarios of a feature file are named.
const maxNamed = 2

// summary names the scenarios that have found a mutant, by file.
func (f Finding) summary() string {
	if len(f.Found) == 0 {
		return "**none**"
	}
	var files []string
	names := map[string][]string{}
	for _, failure := range f.Found {
		file := strings.TrimSuffix(path.Base(failure.Scenario.URI), ".feature")
		if names[file] == nil {
			files = append(files, file)
		}
		names[file] = append(names[file], failure.Scenario.Name)
	}
	var parts []string
	for _, file := range files {
		named := names[file]
		text := strings.Join(named[:min(len(named), maxNamed)], "; ")
		if more := len(named) - maxNamed; more > 0 {
			text += fmt.Sprintf("; %d more", more)
		}
		parts = append(parts, file+": "+text)
	}
	return strings.ReplaceAll(strings.Join(parts, "<br>"), "|", `\|`)
}

// reasons are why scenarios are left out, each with the files and lines.
func (s *Survey) reasons() []string {
	places := map[string][]string{}
	for _, left := range s.LeftOut {
		reason := strings.ReplaceAll(left.Reason, "\n", " ")
		places[reason] = append(places[reason], left.Scenario.Place())
	}
	var all []string
	for reason, of := range places {
		all = append(all, fmt.Sprintf("%s: %s", strings.Join(of, ", "), reason))
	}
	slices.Sort(all)
	return all
}

// Problems are what makes the survey fail: a mutant that no scenario about its subject finds, and one that another scenario
// finds.
func (s *Survey) Problems() []string {
	all := slices.Clone(s.NotSame)
	for _, finding := range s.Findings {
		name := finding.Mutant.Name()
		found := false
		for _, failure := range finding.Found {
			if isMeant(finding.Mutant.Subject, failure.Scenario) {
				found = true
				continue
			}
			all = append(all, fmt.Sprintf("%s is found by %s (%s), which is about something else: %s",
				name, failure.Scenario.Place(), failure.Scenario.Name, failure.Reason))
		}
		if !found {
			all = append(all, fmt.Sprintf("%s is found by no scenario about it, of %d that have it", name, finding.Affected))
		}
	}
	return all
}
