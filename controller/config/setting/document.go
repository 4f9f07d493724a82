package setting

import (
	"fmt"
	"strings"
)

// Document is a table as a page in Markdown.
func (t Table) Document(title, introduction string) string {
	var page strings.Builder
	counts := map[Kind]int{}
	for _, group := range t.groups {
		for i := range group.Settings {
			counts[group.Settings[i].Decision.Kind]++
		}
	}
	fmt.Fprintf(&page, "# %s\n\n%s\n\n", title, introduction)
	fmt.Fprintf(&page, "Of %d settings, %d are supported, %d are refused and %d have no effect.\n",
		counts[Supported]+counts[Refused]+counts[Harmless], counts[Supported], counts[Refused], counts[Harmless])
	for _, group := range t.groups {
		fmt.Fprintf(&page, "\n## %s\n\n", group.Title)
		page.WriteString("| name | values | default | what it does | here |\n| --- | --- | --- | --- | --- |\n")
		for i := range group.Settings {
			s := &group.Settings[i]
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s | %s |\n",
				s.Name, cell(s.Values), cell(s.Default), cell(s.Does), cell(s.Decision.text()))
		}
	}
	return page.String()
}

// text is the decision as a cell of the page.
func (d Decision) text() string {
	text := d.Kind.String()
	switch d.Kind {
	case Supported:
		text = fmt.Sprintf("[supported](../features/conformance/%s.feature)", d.Feature)
		if d.Protects {
			text += "; with an invalid value the paths answer 503"
		}
	case Refused, Harmless:
		text += ": " + d.Reason
		if d.Protects {
			text += "; the paths answer 503"
		}
		if d.reproduced {
			text += "; with `--compatibility=ingress-nginx` it has its [effect](compatibility.md)"
		}
	}
	return text
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// AnnotationsDocument is the page docs/annotations.md.
func AnnotationsDocument() string {
	return annotations.Document("Annotations of ingress-nginx",
		"All annotations of ingress-nginx 1.15.1, without the prefix `nginx.ingress.kubernetes.io/`, and whether this controller\n"+
			"supports them. "+generated)
}

// ConfigMapDocument is the page docs/configmap.md.
func ConfigMapDocument() string {
	return configMap.Document("Keys of ingress-nginx's ConfigMap",
		"All keys of the ConfigMap of ingress-nginx 1.15.1, and whether this controller supports them. Annotations\n"+
			"override the keys of the same name. "+generated)
}

const generated = "If a setting that restricts access\n" +
	"is not supported or has an invalid value, the paths answer 503. Regular expressions have RE2's syntax, and lookaheads\n" +
	"at a fixed distance from the beginning, such as `/(?!api/)(.*)`. This page is generated:\n`go test ./controller/config/setting -update` writes it."
