package reports

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// maxShown bounds the content of a piece of evidence that is read back, in bytes.
const maxShown = 64 << 20

// Read reads back the run whose reports Write has made in dir. Files among its evidence are results.SavedFile without
// their content. Other evidence is as it was attached, or a results.Reference with a problem if its file is missing.
func Read(dir string) (*results.Run, error) {
	path := filepath.Join(dir, ResultsFile)
	file, err := open(evidence.File{Path: path})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("reading its results: %w", err)
	}
	defer func() { _ = file.Close() }()
	run, err := results.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("reading its results, %s: %w", path, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading its evidence: %w", err)
	}
	defer func() { _ = root.Close() }()
	resolved := run.MapEvidence(func(_ results.Position, e evidence.Evidence) evidence.Evidence {
		if reference, is := e.(results.Reference); is {
			return resolve(root, reference)
		}
		return e
	})
	return &resolved, nil
}

// missing says what to do about a folder without results.
func missing(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, JUnitFile)); err == nil {
		return fmt.Errorf("%s has a %s but no %s, as older versions left it: repeat the run with this version", dir, JUnitFile, ResultsFile)
	}
	return fmt.Errorf("there is no %s in %s: give the folder that `testbed run --reports` wrote to, or repeat the run", ResultsFile, dir)
}

// resolve reads the content that a reference stands for.
func resolve(root *os.Root, reference results.Reference) evidence.Evidence {
	if reference.Error != "" {
		return reference
	}
	content, err := contentOf(root, reference)
	if err != nil {
		reference.Href, reference.Error = "", fmt.Sprintf("The content could not be read: %v", err)
		return reference
	}
	return evidence.Parse(godog.Attachment{FileName: reference.Title, MediaType: reference.MediaType, Body: content})
}

func contentOf(root *os.Root, reference results.Reference) ([]byte, error) {
	path, err := reference.Path()
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(path)
	if err != nil {
		return nil, err
	}
	// Opening a named pipe would wait for ever.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() > maxShown {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxShown>>20)
	}
	file, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxShown))
}
