package release

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Archive is a gzipped tar file to be written. Its bytes depend on nothing but its fields and the files' contents and
// executable bits.
type Archive struct {
	// Folder is the only entry at the top of the archive; all files are below it.
	Folder string
	// Files maps slash-separated names below Folder to paths of regular files on this machine.
	Files map[string]string
	// Time is the modification time of all entries.
	Time time.Time
}

// AddTree adds all files below folder as those below name.
func (a *Archive) AddTree(name, folder string) error {
	before := len(a.Files)
	err := filepath.WalkDir(folder, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		a.Files[path.Join(name, filepath.ToSlash(relative))] = file
		return nil
	})
	if err == nil && len(a.Files) == before {
		err = errors.New("the folder is empty")
	}
	if err != nil {
		return fmt.Errorf("adding %s to the archive: %w", folder, err)
	}
	return nil
}

// Write writes the archive: folders before their files, in the order of their names, without owners.
func (a *Archive) Write(w io.Writer) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compressing the archive: %w", err)
	}
	archive := tar.NewWriter(compressed)
	names := a.entries()
	for _, name := range names {
		if err := a.writeEntry(archive, name); err != nil {
			return fmt.Errorf("writing %s to the archive: %w", name, err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	return nil
}

// entries returns the names of all files and folders in the order of the archive; those of folders end in a slash.
func (a *Archive) entries() []string {
	var names []string
	for file := range a.Files {
		name := path.Join(a.Folder, file)
		names = append(names, name)
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			names = append(names, folder+"/")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *Archive) writeEntry(archive *tar.Writer, name string) error {
	header := &tar.Header{Name: name, Mode: 0o755, ModTime: a.Time.UTC().Truncate(time.Second), Format: tar.FormatPAX}
	if strings.HasSuffix(name, "/") {
		header.Typeflag = tar.TypeDir
		return archive.WriteHeader(header)
	}
	source, err := os.Open(a.Files[strings.TrimPrefix(name, a.Folder+"/")])
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if info.Mode()&0o111 == 0 {
		header.Mode = 0o644
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}

// WriteFile writes a file that appears when it is complete, and makes its folder.
func WriteFile(name string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", name, err)
	}
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("creating %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.Rename(file.Name(), name)
}
