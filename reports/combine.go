package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
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
	// Label distinguishes the run. If it is empty, the cluster of the run is used, or else the name of the folder.
	Label string
	Dir   string
}

// Combine compares runs and writes the comparison into dir, which is made if missing: index.html, with links to the runs'
// own pages, and junit.xml. A folder without a results.json that can be read is a run that did not finish, not an error.
// Reference is the label of the run that the others are compared with, or "".
func Combine(dir string, sources []Source, reference string) (*matrix.Matrix, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: there are none", ErrSources)
	}
	title := ""
	runs, cases := make([]matrix.Run, 0, len(sources)), make([]junit.Labelled, 0, len(sources))
	for _, source := range sources {
		if same(source.Dir, dir) {
			return nil, fmt.Errorf("%w: the reports in %s would be overwritten: choose another folder to write to", ErrSources, dir)
		}
		run := load(dir, source)
		if run.Results != nil {
			title = cmp.Or(title, run.Results.Title)
		}
		runs = append(runs, run)
		cases = append(cases, junit.Labelled{Label: run.Label, Run: run.Results, Error: run.Error})
	}
	if err := distinct(sources, runs); err != nil {
		return nil, err
	}
	title = cmp.Or(title, "Test runs")
	compared := matrix.New(title, runs)
	if reference != "" {
		if err := compared.Refer(plaintext.Line(reference)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSources, err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the comparison: %w", err)
	}
	var problems []error
	for name, write := range map[string]func(io.Writer) error{
		HTMLFile:  compared.WritePage,
		JUnitFile: func(w io.Writer) error { return junit.Combine(w, title, cases) },
	} {
		if err := replace(filepath.Join(dir, name), write); err != nil {
			problems = append(problems, fmt.Errorf("writing the comparison %s: %w", name, err))
		}
	}
	return compared, errors.Join(problems...)
}

// load reads the reports of a run, for a comparison in dir.
func load(dir string, source Source) matrix.Run {
	loaded := matrix.Run{Label: plaintext.Line(source.Label), Page: link(dir, filepath.Join(source.Dir, HTMLFile))}
	run, err := Read(source.Dir)
	if err != nil {
		loaded.Error = err.Error()
	} else {
		moved := relink(dir, source.Dir, run)
		loaded.Results = &moved
		if loaded.Label == "" {
			loaded.Label = place(run)
		}
	}
	if loaded.Label == "" {
		loaded.Label = plaintext.Line(filepath.Base(absolute(source.Dir)))
	}
	return loaded
}

// relink makes the run's links to files, which are relative to its own folder, relative to dir.
func relink(dir, source string, run *results.Run) results.Run {
	return run.MapEvidence(func(_ results.Position, e evidence.Evidence) evidence.Evidence {
		file, is := e.(results.SavedFile)
		if !is || file.Href == "" {
			return e
		}
		path, err := file.Path()
		if err == nil {
			file.Href = link(dir, filepath.Join(source, path))
		}
		if err != nil || file.Href == "" {
			file.Href, file.Error = "", "The file is missing."
		}
		return file
	})
}

// place is like "embedded v1.37.2", or "Kubernetes v1.37.2" if the kind of cluster is not recorded.
func place(run *results.Run) string {
	provider, version := "Kubernetes", ""
	for _, property := range run.Environment {
		switch property.Name {
		case "Provider":
			provider = property.Value
		case "Kubernetes":
			version = property.Value
		}
	}
	if version == "" {
		return ""
	}
	return plaintext.Line(provider + " " + version)
}

func distinct(sources []Source, runs []matrix.Run) error {
	first := map[string]string{}
	for i, run := range runs {
		if other, taken := first[run.Label]; taken {
			return fmt.Errorf("%w: %s and %s both have the label %q: give them others, as NAME=%s",
				ErrSources, other, sources[i].Dir, run.Label, sources[i].Dir)
		}
		first[run.Label] = sources[i].Dir
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
