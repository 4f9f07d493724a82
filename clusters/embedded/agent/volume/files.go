//go:build linux

package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// file is a file of a written volume.
type file struct {
	data []byte
	mode fs.FileMode
	// uid and gid own the file where they aren't nil.
	uid, gid *int64
}

// dataLink is the symbolic link through which all files are reached, as in the kubelet's volumes. Replacing it
// replaces all files at the same time, and its watchers see one change.
const dataLink = "..data"

// replaceFiles makes dir hold exactly the given files by relative path, in one step:
//
//	dir/..2024_10_12_03_21_29.123/path   the files
//	dir/..data -> ..2024_10_12_…         exchanged by rename
//	dir/path -> ..data/path              one for each first element of a path
func replaceFiles(dir string, files map[string]file) error {
	for path := range files {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := os.Readlink(filepath.Join(dir, dataLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if old != "" {
		same, err := holds(filepath.Join(dir, old), files)
		if err != nil || same {
			return err
		}
	}
	fresh, err := writeFresh(dir, files)
	if err != nil {
		return err
	}
	if err := swap(dir, filepath.Base(fresh)); err != nil {
		return err
	}
	if err := linkTop(dir, files); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, old))
}

// checkPath rejects paths that leave the volume or clash with its links.
func checkPath(path string) error {
	if !filepath.IsLocal(path) || path == "." || strings.HasPrefix(path, "..") || filepath.Clean(path) != path {
		return fmt.Errorf("path %q: must be relative, without '..' at the start of an element", path)
	}
	return nil
}

func writeFresh(dir string, files map[string]file) (string, error) {
	fresh, err := os.MkdirTemp(dir, "..fresh_")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return "", err
	}
	for path, f := range files {
		if err := f.write(filepath.Join(fresh, path)); err != nil {
			return "", errors.Join(err, os.RemoveAll(fresh))
		}
	}
	return fresh, nil
}

func (f file) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, f.data, 0o600); err != nil {
		return err
	}
	uid, gid := -1, -1
	if f.uid != nil {
		uid = int(*f.uid)
	}
	if f.gid != nil {
		gid = int(*f.gid)
	}
	if uid >= 0 || gid >= 0 {
		if err := giveTo(path, uid, gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, f.mode) // last: the umask and chown clear bits
}

// giveTo changes the owner. In a user namespace without the user or group it does nothing: a container with such a
// user is refused, and all others run as the owner.
func giveTo(path string, uid, gid int) error {
	err := os.Lchown(path, uid, gid)
	if err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("changing the owner to user %d, group %d: %w", uid, gid, err)
	}
	return nil
}

func swap(dir, fresh string) error {
	aside := filepath.Join(dir, dataLink+"_tmp")
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(fresh, aside); err != nil {
		return err
	}
	return os.Rename(aside, filepath.Join(dir, dataLink))
}

// linkTop makes the links that users see, and removes those of files that are gone.
func linkTop(dir string, files map[string]file) error {
	top := map[string]bool{}
	for path := range files {
		first, _, _ := strings.Cut(path, "/")
		top[first] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		if top[e.Name()] {
			delete(top, e.Name())
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	for name := range top {
		if err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a folder has exactly these files, so that watchers are not notified without a change.
func holds(dir string, files map[string]file) (bool, error) {
	seen := 0
	same := true
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		want, ok := files[relative]
		if !ok {
			same = false
			return fs.SkipAll
		}
		have, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		seen++
		if string(have) != string(want.data) || info.Mode().Perm() != want.mode.Perm() {
			same = false
			return fs.SkipAll
		}
		return nil
	})
	return same && seen == len(files), err
}
