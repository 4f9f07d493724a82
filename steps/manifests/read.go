package manifests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// Stdin is the name of standard input.
	Stdin = "-"
	// maxFile and maxTotal are far above what a cluster holds: 5,000 Ingresses have some 20 MB.
	maxFile  = 128 << 20
	maxTotal = 512 << 20
	maxFiles = 50_000
)

// Read reads files, folders with everything in them that ends in .yaml, .yml or .json, and standard input ("-"). Faults of
// single documents are in the Set. The error is about a name that can't be read, or that no object was found.
func Read(ctx context.Context, stdin io.Reader, names ...string) (*Set, error) {
	r := &reader{set: &Set{}, index: map[ID]int{}, skipped: map[string]int{}}
	if len(names) == 0 {
		return nil, errors.New("no manifests: name a file, a folder, or - for standard input")
	}
	for _, name := range names {
		if err := r.read(ctx, stdin, name); err != nil {
			return nil, err
		}
	}
	r.noteSkipped()
	if len(r.set.Objects) == 0 && len(r.set.Problems) == 0 {
		return nil, fmt.Errorf("%s: no Ingress, and no other object that affects requests; "+
			"write them with: kubectl get ingress,ingressclass,service,configmap -A -o yaml", strings.Join(names, ", "))
	}
	return r.set, nil
}

// Files lists the files that Read reads: those given and those of the given folders, sorted. Standard input is left out.
func Files(names ...string) ([]string, error) {
	var files []string
	for _, name := range names {
		if name == Stdin {
			continue
		}
		found, err := filesOf(name)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// reader collects what several files hold.
type reader struct {
	set   *Set
	index map[ID]int // of set.Objects
	// skipped counts objects by kind.
	skipped map[string]int
	total   int
	stdin   bool // whether it has been read
}

func (r *reader) read(ctx context.Context, stdin io.Reader, name string) error {
	if name == Stdin {
		if r.stdin {
			return errors.New("standard input (-) can be read once only")
		}
		r.stdin = true
		return r.stream("standard input", stdin)
	}
	files, err := filesOf(name)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		if err := r.file(file); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) file(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	defer file.Close()
	return r.stream(name, file)
}

func (r *reader) stream(name string, from io.Reader) error {
	content, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	r.total += len(content)
	if len(content) > maxFile || r.total > maxTotal {
		return fmt.Errorf("%s: the manifests are too large: a file may have %d MiB, all together %d MiB", name, maxFile>>20, maxTotal>>20)
	}
	r.decode(name, content)
	return nil
}

// filesOf returns the name itself, unless it is a folder.
func filesOf(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != name && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case isManifest(path) && !entry.IsDir():
			files = append(files, path)
		}
		if len(files) > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the folder %s: %w", name, err)
	}
	// A link to a folder would be read as a file.
	files = slices.DeleteFunc(files, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || !info.Mode().IsRegular()
	})
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %s has no file that ends in .yaml, .yml or .json", name)
	}
	return files, nil
}

func isManifest(path string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path)))
}
