package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Locate resolves the paths that a user has given: on disk if all of them exist there, or else in the embedded files. It
// returns the file system and the paths in it.
func Locate(given []string, embedded fs.FS) (fs.FS, []string, error) {
	if len(given) == 0 {
		return embedded, nil, nil
	}
	onDisk := 0
	for _, path := range given {
		if _, err := os.Stat(withoutLine(path)); err == nil {
			onDisk++
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("%w: reading %q: %w", ErrInput, path, err)
		}
	}
	switch onDisk {
	case 0:
		return embedded, given, nil
	case len(given):
		return underOneRoot(given)
	}
	return nil, nil, fmt.Errorf("%w: some of the feature files %s exist on disk and others do not", ErrInput, strings.Join(given, ", "))
}

func withoutLine(path string) string { return lineSuffix.ReplaceAllString(path, "") }

// underOneRoot makes the paths relative to the working directory, or to the file system's root if one is outside of it.
func underOneRoot(given []string) (fs.FS, []string, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, nil, fmt.Errorf("getting the working directory: %w", err)
	}
	absolute := make([]string, 0, len(given))
	for _, path := range given {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, nil, fmt.Errorf("resolving %q: %w", path, err)
		}
		if !within(root, full) {
			root = string(filepath.Separator)
		}
		absolute = append(absolute, full)
	}
	for i, full := range absolute {
		relative, err := filepath.Rel(root, full)
		if err != nil {
			return nil, nil, fmt.Errorf("resolving %q: %w", given[i], err)
		}
		absolute[i] = filepath.ToSlash(relative)
	}
	return os.DirFS(root), absolute, nil
}

func within(root, path string) bool {
	relative, err := filepath.Rel(root, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}
