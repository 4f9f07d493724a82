//go:build linux

package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// copyTree copies a root file system with owners, modes and links. dst exists and is empty. Hard links in the image
// become copies: this is only the fallback where overlays are refused.
func copyTree(src, dst string) error {
	return filepath.WalkDir(src, func(from string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(src, from)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		to := filepath.Join(dst, relative)
		if err := copyEntry(from, to, info); err != nil {
			return err
		}
		if err := copyOwnerAndMode(to, info); err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		return copyFileCapabilities(from, to) // after chown, which removes them
	})
}

func copyEntry(from, to string, info fs.FileInfo) error {
	switch info.Mode().Type() {
	case fs.ModeDir:
		if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case fs.ModeNamedPipe:
		return unix.Mkfifo(to, 0o600)
	case 0:
		return copyFile(from, to)
	}
	return nil // images have no sockets or devices
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func copyOwnerAndMode(to string, info fs.FileInfo) error {
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("unknown owner of %s", to)
	}
	if err := os.Lchown(to, int(owner.Uid), int(owner.Gid)); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	return os.Chmod(to, info.Mode())
}

// copyFileCapabilities copies the capabilities that a program gets when it is run.
func copyFileCapabilities(from, to string) error {
	const attribute = "security.capability"
	value := make([]byte, 64) // larger than every version of struct vfs_cap_data
	n, err := unix.Lgetxattr(from, attribute, value)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err == nil {
		err = unix.Lsetxattr(to, attribute, value[:n], 0)
	}
	if err != nil {
		return fmt.Errorf("copying the capabilities of %s: %w", to, err)
	}
	return nil
}
