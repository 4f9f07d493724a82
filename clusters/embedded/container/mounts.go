//go:build linux

package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// heldMount is a detached copy of a mount: open, but not in the tree yet.
type heldMount struct {
	tree        *os.File
	destination string
	folder      bool
	readOnly    bool
	recursive   bool
}

func holdMounts(mounts []Mount) ([]heldMount, error) {
	held := make([]heldMount, 0, len(mounts))
	for _, m := range mounts {
		h, err := hold(m)
		if err != nil {
			return nil, err
		}
		held = append(held, h)
	}
	return held, nil
}

func hold(m Mount) (heldMount, error) {
	// A mountPath may end in a slash, and Kubernetes takes a relative one as relative to the root.
	m.Destination = filepath.Join("/", m.Destination)
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if m.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, m.Source, flags)
	if err != nil {
		return heldMount{}, fmt.Errorf("mounting %s at %s: %w", m.Source, m.Destination, err)
	}
	tree := os.NewFile(uintptr(fd), m.Source)
	info, err := tree.Stat()
	if err != nil {
		return heldMount{}, fmt.Errorf("mounting %s at %s: %w", m.Source, m.Destination, err)
	}
	return heldMount{
		tree: tree, destination: m.Destination, folder: info.IsDir(), readOnly: m.ReadOnly, recursive: m.Recursive,
	}, nil
}

// attach mounts it at its destination in the current root, whose missing parents it makes.
func (h heldMount) attach() error {
	if err := makeMountPoint(h.destination, h.folder); err != nil {
		return fmt.Errorf("making the mount point %s: %w", h.destination, err)
	}
	fd := int(h.tree.Fd())
	if h.readOnly {
		if err := setTreeReadOnly(fd, h.recursive); err != nil {
			return fmt.Errorf("mounting %s read-only: %w", h.destination, err)
		}
	}
	err := unix.MoveMount(fd, "", unix.AT_FDCWD, h.destination, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	if err = errors.Join(err, h.tree.Close()); err != nil {
		return fmt.Errorf("mounting %s: %w", h.destination, err)
	}
	return nil
}

func makeMountPoint(destination string, folder bool) error {
	if _, err := os.Stat(destination); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if folder {
		return makeFolders(destination, 0)
	}
	if err := makeFolders(filepath.Dir(destination), 0); err != nil {
		return err
	}
	f, err := os.OpenFile(destination, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// makeFolders is os.MkdirAll that also makes the targets of symbolic links: an image may have /var/run -> /run and no
// /run.
func makeFolders(path string, links int) error {
	const mostLinks = 40
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if links > mostLinks {
		return unix.ELOOP
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeFolders(parent, links); err != nil {
			return err
		}
	}
	err := os.Mkdir(path, 0o755)
	target, linkErr := os.Readlink(path)
	if !errors.Is(err, fs.ErrExist) || linkErr != nil {
		return err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	return makeFolders(target, links+1)
}

func setTreeReadOnly(fd int, recursive bool) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return unix.MountSetattr(fd, "", flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

func setReadOnly(path string, recursive bool) error {
	flags := uint(0)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, path, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return fmt.Errorf("making %s read-only: %w", path, err)
	}
	return nil
}
