package manifests

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is the time without changes before files are read: editors write them in several steps.
const settle = 100 * time.Millisecond

// Watch calls changed immediately, and again whenever one of the files or something in one of the folders has changed. It returns
// nil when ctx is done, and the error of changed.
func Watch(ctx context.Context, changed func() error, names ...string) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching files: %w", err)
	}
	defer watcher.Close() //nolint:errcheck // it was only read
	w := &watched{watcher: watcher}
	if err := w.add(names); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-watcher.Errors:
			return fmt.Errorf("watching files: %w", err)
		case event := <-watcher.Events:
			if w.concerns(event) {
				timer.Reset(settle)
			}
		case <-timer.C:
			if err := changed(); err != nil {
				return err
			}
		}
	}
}

// watched is what a watcher is for.
type watched struct {
	watcher *fsnotify.Watcher
	files   []string
}

// add watches folders with all that is in them, and the folders of files: editors replace a file by another one.
func (w *watched) add(names []string) error {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("watching manifests: %w", err)
		}
		if !info.IsDir() {
			w.files = append(w.files, filepath.Clean(name))
			if err := w.watcher.Add(filepath.Dir(name)); err != nil {
				return fmt.Errorf("watching the folder of %s: %w", name, err)
			}
			continue
		}
		if err := w.addFolder(name); err != nil {
			return err
		}
	}
	return nil
}

func (w *watched) addFolder(name string) error {
	return filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if path != name && filepath.Base(path)[0] == '.' {
			return fs.SkipDir
		}
		if err := w.watcher.Add(path); err != nil {
			return fmt.Errorf("watching the folder %s: %w", path, err)
		}
		return nil
	})
}

// concerns reports whether an event is about one of the files. New folders are watched from now on.
func (w *watched) concerns(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod {
		return false
	}
	if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
		_ = w.addFolder(event.Name) // it may be gone again
		return true
	}
	return isManifest(event.Name) || slices.Contains(w.files, filepath.Clean(event.Name))
}
