package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ingress-testbed/testbed/internal/limitwriter"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

const (
	maxFile    = 512 << 20 // bytes kept of one file
	maxContent = 256 << 10 // bytes of a file that reports may carry themselves
)

// saveEvidence keeps the run's evidence in dir. It returns the run as the pages show it, with results.SavedFile in place
// of files, and the run as results.json has it, with results.Reference instead of all other evidence too. Evidence that
// can't be kept is a remark in the reports, not an error: the run is worth more than its attachments.
func saveEvidence(dir string, run results.Run) (shown, stored results.Run, err error) {
	folder := filepath.Join(dir, EvidenceDir)
	kept := map[string]bool{}
	keep := func(place string, file evidence.File) results.SavedFile {
		saved := save(folder, place, file)
		kept[place] = saved.Error == ""
		return saved
	}
	shown = run.MapEvidence(func(at results.Position, e evidence.Evidence) evidence.Evidence {
		file, ok := e.(evidence.File)
		if !ok {
			return e
		}
		return keep(prefix(at)+fileName(file.Name), file)
	})
	stored = shown.MapEvidence(func(at results.Position, e evidence.Evidence) evidence.Evidence {
		if file, ok := e.(results.SavedFile); ok {
			return file
		}
		content := e.Attachment()
		extension := ".json"
		if content.MediaType == evidence.TextMediaType {
			extension = ".txt"
		}
		saved := keep(prefix(at)+fileName(content.FileName+extension), evidence.File{Bytes: content.Body})
		return results.Reference{
			Title: content.FileName, MediaType: content.MediaType, Href: saved.Href, Error: saved.Error,
		}
	})
	return shown, stored, removeOthers(folder, kept)
}

// prefix makes names unique, and shows which files this package has made.
func prefix(position results.Position) string {
	return fmt.Sprintf("%d-%d-%d-%d-", position.Feature+1, position.Scenario+1, position.Step+1, position.Evidence+1)
}

func save(folder, place string, file evidence.File) results.SavedFile {
	saved := results.SavedFile{Title: file.Title, Name: file.Name, MediaType: file.MediaType}
	if saved.Name == "" {
		saved.Name = place
	}
	content, err := open(file)
	if err != nil {
		saved.Error = fmt.Sprintf("The file could not be kept: %v", err)
		return saved
	}
	defer func() { _ = content.Close() }()
	head := limitwriter.New(maxContent)
	err = os.MkdirAll(folder, 0o755)
	if err == nil {
		err = replace(filepath.Join(folder, place), func(w io.Writer) error {
			limited := io.LimitReader(content, maxFile+1)
			saved.Size, err = io.Copy(io.MultiWriter(w, head), limited)
			if err == nil && saved.Size > maxFile {
				err = fmt.Errorf("it is larger than %d bytes", maxFile)
			}
			return err
		})
	}
	if err != nil {
		saved.Error = fmt.Sprintf("The file could not be kept: %v", err)
		return saved
	}
	saved.Href = (&url.URL{Path: path.Join(EvidenceDir, place)}).String()
	if saved.Size <= maxContent {
		saved.Content = head.Bytes()
	}
	return saved
}

func open(file evidence.File) (io.ReadCloser, error) {
	if file.Path == "" {
		return io.NopCloser(bytes.NewReader(file.Bytes)), nil
	}
	info, err := os.Stat(file.Path)
	if err != nil {
		return nil, err
	}
	// Opening a named pipe would wait for ever.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", file.Path)
	}
	return os.Open(file.Path)
}

// fileName is a name that any file system takes, made of what a step called its file.
func fileName(name string) string {
	name = path.Base(filepath.ToSlash(name))
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
	name = strings.TrimLeft(name, ".")
	if len(name) > 80 {
		name = name[len(name)-80:] // the end tells the kind
	}
	if name == "" {
		return "file"
	}
	return name
}

// removeOthers deletes the evidence of earlier runs.
func removeOthers(folder string, kept map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the folder of evidence: %w", err)
	}
	// Other files in the folder are kept.
	own := regexp.MustCompile(`^\d+-\d+-\d+-\d+-`)
	var problems []error
	for _, entry := range entries {
		if kept[entry.Name()] || !entry.Type().IsRegular() || !own.MatchString(entry.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil {
			problems = append(problems, fmt.Errorf("removing evidence of an earlier run: %w", err))
		}
	}
	return errors.Join(problems...)
}
