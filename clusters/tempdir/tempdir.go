// Package tempdir provides temporary folders. Those of a killed process are removed by a later one, in Sweep.
package tempdir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	prefix = "testbed-"
	// lockSuffix is that of a file beside each folder, which its process locks (flock(2)). The kernel releases the lock when
	// the process ends, so that no process IDs have to be compared.
	lockSuffix = ".lock"
)

// Dir is a folder that this process has to itself.
type Dir struct {
	path string
	lock *os.File
}

// Make creates a folder that only this user may read, in the system's folder for temporary files. The purpose is part of
// its name.
func Make(purpose string) (*Dir, error) {
	for {
		lock, err := os.CreateTemp("", prefix+purpose+"-*"+lockSuffix)
		if err != nil {
			return nil, fmt.Errorf("making a temporary folder for %s: %w", purpose, err)
		}
		held, err := hold(lock)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("making a temporary folder for %s: %w", purpose, err), lock.Close(), os.Remove(lock.Name()))
		}
		if !held { // a Sweep came between, and took the file for one that was left behind
			lock.Close()
			continue
		}
		dir := &Dir{path: strings.TrimSuffix(lock.Name(), lockSuffix), lock: lock}
		if err := os.Mkdir(dir.path, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("making a temporary folder for %s: %w", purpose, err), dir.release())
		}
		return dir, nil
	}
}

// hold locks a file. It returns false if another process has the lock, or the file was removed.
func hold(lock *os.File) (bool, error) {
	err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	ours, err := lock.Stat()
	if err != nil {
		return false, fmt.Errorf("reading about %s: %w", lock.Name(), err)
	}
	there, err := os.Lstat(lock.Name())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading about %s: %w", lock.Name(), err)
	}
	return os.SameFile(ours, there), nil
}

// Path of the folder.
func (d *Dir) Path() string { return d.path }

// Remove removes the folder with all that is in it.
func (d *Dir) Remove() error { return errors.Join(os.RemoveAll(d.path), d.release()) }

// Keep leaves the folder for people to read; no Sweep removes it.
func (d *Dir) Keep() error { return d.release() }

func (d *Dir) release() error {
	if d.lock == nil {
		return nil
	}
	lock := d.lock
	d.lock = nil
	return errors.Join(os.Remove(lock.Name()), lock.Close())
}

// Sweep removes the folders of this user's processes that have ended.
func Sweep() error {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"+lockSuffix))
	if err != nil {
		return fmt.Errorf("looking for temporary folders: %w", err)
	}
	var problems []error
	for _, name := range locks {
		if err := sweep(name); err != nil {
			problems = append(problems, fmt.Errorf("removing the temporary folder of a process that ended: %w", err))
		}
	}
	return errors.Join(problems...)
}

func sweep(name string) error {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || !ownedByUs(info) {
		return nil //nolint:nilerr // it is gone, or another user's
	}
	lock, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	held, err := hold(lock)
	if err != nil || !held {
		return errors.Join(err, lock.Close())
	}
	return (&Dir{path: strings.TrimSuffix(name, lockSuffix), lock: lock}).Remove()
}

func ownedByUs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
