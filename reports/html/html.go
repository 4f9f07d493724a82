// Package html writes a run as one self-contained page: no script, and nothing that is loaded from elsewhere.
package html

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/ingress-testbed/testbed/reports/internal/plot"
	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/results"
)

//go:embed report.gohtml load.gohtml
var pages embed.FS

// Write renders the run. All that came from features, steps and clusters is escaped.
func Write(w io.Writer, run *results.Run) error {
	parsed, err := template.New("report.gohtml").ParseFS(pages, "*.gohtml")
	if err == nil {
		parsed, err = parsed.Parse(plot.Template)
	}
	if err != nil {
		return fmt.Errorf("parsing the page's template: %w", err)
	}
	v := newView(run)
	v.Style = theme.Style() + theme.EffectStyle()
	if err := parsed.Execute(w, v); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	return nil
}
