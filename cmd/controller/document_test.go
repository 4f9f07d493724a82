package main

import (
	"strings"
	"testing"
	"text/template"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/internal/golden"
)

// row is a flag in the document.
type row struct{ Name, Default, Usage string }

// TestDocument generates docs/controller.md. With -update it writes the file.
func TestDocument(t *testing.T) {
	values, err := charts.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	runCommand().Flags().VisitAll(func(flag *pflag.Flag) {
		_, usage := pflag.UnquoteUsage(flag)
		standard := flag.DefValue
		if standard == "[]" {
			standard = ""
		}
		rows = append(rows, row{Name: flag.Name, Default: standard, Usage: cell(usage)})
	})
	for i := range values {
		if values[i].Description == "" {
			t.Errorf("%s has no description", values[i].Path)
		}
	}
	page, err := template.New("controller.md.tmpl").Funcs(template.FuncMap{"join": choices}).ParseFiles("testdata/controller.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.Execute(&text, map[string]any{"Values": values, "Flags": rows}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "../../docs/controller.md", text.String())
}

// choices lists the texts that a value takes. The empty text is its default, and left out.
func choices(list []string) string {
	var quoted []string
	for _, choice := range list {
		if choice != "" {
			quoted = append(quoted, "`"+choice+"`")
		}
	}
	return strings.Join(quoted, ", ")
}

// cell escapes what would end a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
