//go:build linux

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// CleanUp removes the sandboxes that an earlier agent left behind when it was killed. Its containers ended with it.
func (m *Maker) CleanUp(ctx context.Context) error {
	records, err := filepath.Glob(recordPath(m.dir, "*", "*"))
	if err != nil {
		return fmt.Errorf("looking for old sandboxes: %w", err)
	}
	var errs []error
	for _, path := range records {
		errs = append(errs, m.cleanUpRecord(ctx, path))
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, releaseAll(filepath.Join(m.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

func (m *Maker) cleanUpRecord(ctx context.Context, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var r Record
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	o := Options{Namespace: r.Namespace, Name: r.Name, UID: r.UID}
	return errors.Join(m.network.detach(ctx, r.NetworkNamespace, o), os.Remove(path))
}

// releaseAll unmounts every namespace in a folder and removes it.
func releaseAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("releasing %s: %w", path, err)
		}
	}
	return os.RemoveAll(dir)
}
