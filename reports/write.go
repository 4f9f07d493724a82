// Package reports writes the files of a run: index.html, junit.xml for CI, cucumber.json for other tools, results.json, from
// which runs are read back, conformance.yaml, which scores the controller by profiles, and the folder evidence with the
// attachments of steps.
package reports

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/reports/cucumber"
	"github.com/ingress-testbed/testbed/reports/html"
	"github.com/ingress-testbed/testbed/reports/junit"
	"github.com/ingress-testbed/testbed/reports/profiles"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Names of the files in the reports' folder.
const (
	HTMLFile     = "index.html"
	JUnitFile    = "junit.xml"
	CucumberFile = "cucumber.json"
	ResultsFile  = "results.json"
	ProfilesFile = "conformance.yaml"
	EvidenceDir  = "evidence"
)

// Write writes the reports of a run into dir, which is created if missing. It may be called repeatedly, also while the run
// continues: each file is replaced atomically, and evidence of earlier runs is removed. If one report can't be written, the
// others still are.
func Write(dir string, run results.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the reports: %w", err)
	}
	shown, stored, err := saveEvidence(dir, run)
	problems := []error{err}
	for name, write := range map[string]func(io.Writer) error{
		HTMLFile:     func(w io.Writer) error { return html.Write(w, &shown) },
		JUnitFile:    func(w io.Writer) error { return junit.Write(w, &shown) },
		CucumberFile: func(w io.Writer) error { return cucumber.Write(w, &shown) },
		ProfilesFile: func(w io.Writer) error { return profiles.Write(w, &run) },
		ResultsFile:  func(w io.Writer) error { return results.Encode(w, &stored) },
	} {
		err := replace(filepath.Join(dir, name), write)
		if err != nil {
			problems = append(problems, fmt.Errorf("writing the report %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

// replace writes a file beside the one it then takes the place of.
func replace(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
