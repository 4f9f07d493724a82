//go:build linux

package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unmountAll unmounts what is mounted directly below dir.
func unmountAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unmounting volumes: %w", err)
	}
	var errs []error
	for _, e := range entries {
		// EINVAL: it is not a mount, as most are not.
		if err := unix.Unmount(filepath.Join(dir, e.Name()), unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
			errs = append(errs, fmt.Errorf("unmounting volume %s: %w", e.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// CleanUp removes the folders of Pods that an earlier agent left, below podDir, each with volumes in "volumes".
func CleanUp(podDir string) error {
	left, err := filepath.Glob(filepath.Join(podDir, "*"))
	if err != nil {
		return fmt.Errorf("looking for old volumes: %w", err)
	}
	for _, dir := range left {
		if err := unmountAll(filepath.Join(dir, "volumes")); err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing an old Pod's folder: %w", err)
		}
	}
	return nil
}
