package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/junit"
	"github.com/ingress-testbed/testbed/reports/matrix"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// ErrSources is wrapped by errors about which runs are to be combined: nothing was written.
var ErrSources = errors.New("the runs can't be combined")

// Source is a folder with the reports of a run, as Write has made them.
type Source struct {
	// Label tells the run from the others. If it is empty, what the run says of its cluster is taken, or else the folder's
	// name.
	Label string
	Dir   string
}

// Combine compares runs and writes the comparison into dir, which is made if missing: index.html, with links to the runs'
// own pages, and junit.xml. A folder without a JUnit report that can be read is a run that did not finish, not an error.
func Combine(dir string, sources []Source) (*matrix.Matrix, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: there are none", ErrSources)
	}
	title := ""
	runs, files := make([]matrix.Run, 0, len(sources)), make([]junit.Labelled, 0, len(sources))
	for _, source := range sources {
		if same(source.Dir, dir) {
			return nil, fmt.Errorf("%w: the reports in %s would be overwritten: choose another folder to write to", ErrSources, dir)
		}
		file := load(source)
		run := matrix.Run{Label: file.Label, Problem: file.Problem, Page: link(dir, filepath.Join(source.Dir, HTMLFile))}
		if file.Report != nil {
			title = cmp.Or(title, file.Report.Run.Title)
			run.Results = &file.Report.Run
		}
		runs, files = append(runs, run), append(files, file)
	}
	if err := distinct(sources, files); err != nil {
		return nil, err
	}
	title = cmp.Or(title, "Test runs")
	compared := matrix.New(title, runs)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the comparison: %w", err)
	}
	var problems []error
	for name, write := range map[string]func(io.Writer) error{
		HTMLFile:  compared.WritePage,
		JUnitFile: func(w io.Writer) error { return junit.Combine(w, title, files) },
	} {
		if err := replace(filepath.Join(dir, name), write); err != nil {
			problems = append(problems, fmt.Errorf("writing the comparison %s: %w", name, err))
		}
	}
	return compared, errors.Join(problems...)
}

// load reads what a run has left.
func load(source Source) junit.Labelled {
	loaded := junit.Labelled{Label: plaintext.Line(source.Label)}
	report, err := read(filepath.Join(source.Dir, JUnitFile))
	if err != nil {
		loaded.Problem = err.Error()
	} else {
		loaded.Report = report
	}
	if loaded.Label == "" && report != nil {
		loaded.Label = place(&report.Run)
	}
	if loaded.Label == "" {
		loaded.Label = plaintext.Line(filepath.Base(absolute(source.Dir)))
	}
	return loaded
}

func read(path string) (*junit.Report, error) {
	file, err := open(evidence.File{Path: path})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it left no %s in %s", filepath.Base(path), filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("reading its results: %w", err)
	}
	defer func() { _ = file.Close() }()
	report, err := junit.Read(file)
	if err != nil {
		return nil, fmt.Errorf("reading its results, %s: %w", path, err)
	}
	return report, nil
}

// place is like "embedded v1.37.2", or "Kubernetes v1.37.2" if the run doesn't say what kind of cluster it had.
func place(run *results.Run) string {
	provider, version := "Kubernetes", ""
	for _, fact := range run.Environment {
		switch fact.Name {
		case "Provider":
			provider = fact.Value
		case "Kubernetes":
			version = fact.Value
		}
	}
	if version == "" {
		return ""
	}
	return plaintext.Line(provider + " " + version)
}

func distinct(sources []Source, files []junit.Labelled) error {
	first := map[string]string{}
	for i, file := range files {
		if other, taken := first[file.Label]; taken {
			return fmt.Errorf("%w: %s and %s both have the label %q: give them others, as NAME=%s",
				ErrSources, other, sources[i].Dir, file.Label, sources[i].Dir)
		}
		first[file.Label] = sources[i].Dir
	}
	return nil
}

// link is the relative URL that leads from a page in dir to the file, or "" if the file isn't there.
func link(dir, file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	relative, err := filepath.Rel(absolute(dir), absolute(file))
	if err != nil {
		return ""
	}
	return (&url.URL{Path: filepath.ToSlash(relative)}).String()
}

// absolute follows symbolic links as far as the path exists, since ".." means something else behind one.
func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if resolved, err := filepath.EvalSymlinks(full); err == nil {
		return resolved
	}
	if parent := filepath.Dir(full); parent != full {
		return filepath.Join(absolute(parent), filepath.Base(full))
	}
	return full
}

func same(a, b string) bool { return absolute(a) == absolute(b) }
