//go:build linux

package image

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// linkTree makes a copy of a root file system in which files are hard links to the original's. dst exists and is
// empty.
func linkTree(ctx context.Context, src, dst string) error {
	type folder struct {
		path string
		info fs.FileInfo
	}
	var folders []folder
	err := filepath.WalkDir(src, func(from string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		relative, err := filepath.Rel(src, from)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, relative)
		if !entry.IsDir() {
			return os.Link(from, to)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		folders = append(folders, folder{to, info})
		if relative == "." {
			return nil
		}
		return os.Mkdir(to, 0o700)
	})
	if err != nil {
		return err
	}
	// Modes and times are set last and innermost first: a folder may be read-only, and linking into it changes its
	// time.
	for i := len(folders) - 1; i >= 0; i-- {
		f := folders[i]
		owner, ok := f.info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("unknown owner of %s", f.path)
		}
		if err := ignoreUnmapped(os.Lchown(f.path, int(owner.Uid), int(owner.Gid))); err != nil {
			return err
		}
		if err := os.Chmod(f.path, f.info.Mode()); err != nil {
			return err
		}
		if err := os.Chtimes(f.path, f.info.ModTime(), f.info.ModTime()); err != nil {
			return err
		}
	}
	return nil
}

// treeSize is the size in bytes of all files below dir.
func treeSize(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measuring image: %w", err)
	}
	return size, nil
}

// removeTree removes a folder of the store, including folders that their owner may not write to.
func removeTree(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // best effort
		if err == nil && entry.IsDir() {
			os.Chmod(path, 0o700) //nolint:errcheck // the removal below fails, then
		}
		return nil
	})
	os.RemoveAll(dir) //nolint:errcheck // it is in the store's tmp folder, which vanishes with the cluster
}
