package reports

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/junit"
)

// Names of the files of a comparison, beside index.html and junit.xml.
const (
	ComparisonFile = "comparison.json"
	MarkdownFile   = "comparison.md"
)

// WriteComparison writes the reports of a comparison of controllers into dir, which is made if missing: index.html, junit.xml,
// comparison.json and comparison.md. A report that can't be written doesn't keep the others from being written.
func WriteComparison(dir string, report *comparison.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	run := report.Run()
	var problems []error
	for name, write := range map[string]func(io.Writer) error{
		HTMLFile:       report.WritePage,
		JUnitFile:      func(w io.Writer) error { return junit.Write(w, &run) },
		ComparisonFile: report.WriteJSON,
		MarkdownFile:   report.WriteMarkdown,
	} {
		if err := replace(filepath.Join(dir, name), write); err != nil {
			problems = append(problems, fmt.Errorf("writing the report %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}
