package manifests_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/steps/manifests"
)

// TestWatch changes a file in the ways of editors, and a folder that is new.
func TestWatch(t *testing.T) {
	folder := t.TempDir()
	write := func(name string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(service), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("given/a")
	write("folder/b.yaml")
	ctx, cancel := context.WithCancel(t.Context())
	changed, ended := make(chan struct{}, 100), make(chan error)
	go func() {
		ended <- manifests.Watch(ctx, func() error { changed <- struct{}{}; return nil },
			filepath.Join(folder, "given/a"), filepath.Join(folder, "folder"))
	}()
	wait := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: no change was seen", what)
		}
	}
	wait("at first")
	write("given/a")
	wait("a file that was written")
	write("given/a.new")
	if err := os.Rename(filepath.Join(folder, "given/a.new"), filepath.Join(folder, "given/a")); err != nil {
		t.Fatal(err)
	}
	wait("a file that was replaced")
	if err := os.Mkdir(filepath.Join(folder, "folder/new"), 0o755); err != nil {
		t.Fatal(err)
	}
	wait("a new folder")
	write("folder/new/c.yaml")
	wait("a file in a new folder")
	write("given/other")
	write("folder/notes.txt")
	select {
	case <-changed:
		t.Error("a file that is none of the manifests was taken for one")
	case <-time.After(300 * time.Millisecond):
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	failure := errors.New("failure")
	if err := manifests.Watch(t.Context(), func() error { return failure }, folder); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if err := manifests.Watch(t.Context(), func() error { return nil }, filepath.Join(folder, "missing")); err == nil {
		t.Error("a missing file can't be watched")
	}
}
