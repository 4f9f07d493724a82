package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/reports/junit"
)

// AgreementFile has an agreement.Report as JSON.
const AgreementFile = "agreement.json"

// WriteAgreement writes the reports of a comparison with a record into dir, which is made if missing: index.html,
// junit.xml and agreement.json. A report that can't be written doesn't keep the others from being written.
func WriteAgreement(dir string, report *agreement.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	run := report.Run()
	var problems []error
	for name, write := range map[string]func(io.Writer) error{
		HTMLFile:  report.WritePage,
		JUnitFile: func(w io.Writer) error { return junit.Write(w, &run) },
		AgreementFile: func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(report)
		},
	} {
		if err := replace(filepath.Join(dir, name), write); err != nil {
			problems = append(problems, fmt.Errorf("writing the report %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}
