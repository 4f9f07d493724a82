//go:build linux

package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links a path may go through, as in the kernel.
const maxLinks = 40

// capabilityAttribute holds a program's file capabilities; tar keeps it in a PAX record.
const (
	capabilityAttribute = "security.capability"
	capabilityRecord    = "SCHILY.xattr." + capabilityAttribute
)

func (w *layerWriter) rootFolder(header *tar.Header) error {
	if header.Typeflag != tar.TypeDir {
		return errors.New("the root must be a folder")
	}
	return w.dress(".", header)
}

func (w *layerWriter) folder(name string, header *tar.Header) error {
	if err := w.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	w.folderTimes[name] = header.ModTime
	return w.dress(name, header)
}

func (w *layerWriter) file(name string, header *tar.Header, content io.Reader) error {
	if w.budget.Bytes -= header.Size; w.budget.Bytes < 0 {
		return errTooLarge
	}
	f, err := w.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		// The owner is set first, because chown clears the set-user-ID bit and file capabilities.
		err = errors.Join(ignoreUnmapped(f.Chown(header.Uid, header.Gid)), f.Chmod(fileMode(header)))
	}
	if value, ok := header.PAXRecords[capabilityRecord]; ok && err == nil {
		// Where this is not allowed the program runs without its capabilities, and its own error is clearer.
		unix.Fsetxattr(int(f.Fd()), capabilityAttribute, []byte(value), 0) //nolint:errcheck // see above
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return w.root.Chtimes(name, header.ModTime, header.ModTime)
}

func (w *layerWriter) hardLink(name string, header *tar.Header) error {
	target, err := w.resolve(path.Dir(path.Join("/", header.Linkname)))
	if err != nil {
		return err
	}
	return w.root.Link(path.Join(target, path.Base(header.Linkname)), name)
}

func (w *layerWriter) fifo(name string, header *tar.Header) error {
	folder, err := w.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := unix.Mkfifoat(int(folder.Fd()), path.Base(name), 0o600); err != nil {
		return fmt.Errorf("making FIFO: %w", err)
	}
	return w.dress(name, header)
}

// dress sets the owner and mode of a folder or FIFO.
func (w *layerWriter) dress(name string, header *tar.Header) error {
	if err := ignoreUnmapped(w.root.Lchown(name, header.Uid, header.Gid)); err != nil {
		return err
	}
	return w.root.Chmod(name, fileMode(header))
}

func fileMode(header *tar.Header) fs.FileMode {
	return header.FileInfo().Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}

// ignoreUnmapped ignores the error of a chown to a user that is not mapped. In a user namespace only mapped users can
// own files, which is often root alone; outside of one, only root may change owners. The files then belong to the
// store's owner.
func ignoreUnmapped(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOVERFLOW) {
		return nil
	}
	return err
}

// makeParents makes the parents of an entry that the layer did not list, and returns their path with symbolic links
// resolved: an image with /var/run -> /run may well have an entry var/run/x.
func (w *layerWriter) makeParents(folder string) (string, error) {
	resolved, err := w.resolve(folder)
	if err != nil {
		return "", err
	}
	if err := w.root.MkdirAll(resolved, 0o755); err != nil {
		return "", err
	}
	return resolved, nil
}

// resolve follows symbolic links in name as a process does whose root folder this is: absolute targets and ".." stay
// inside. What does not exist is left as it is.
func (w *layerWriter) resolve(name string) (string, error) {
	rest := strings.Split(path.Join("/", name), "/")
	at := "."
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := w.root.Lstat(next)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many symbolic links")
		}
		target, err := w.root.Readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			at = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}
