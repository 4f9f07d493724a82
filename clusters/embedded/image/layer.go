//go:build linux

package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Whiteouts are empty files that name what a layer removes (OCI image specification, "Whiteouts").
const (
	whiteoutPrefix = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
)

var errTooLarge = errors.New("the image unpacks to more than the store's limit")

// layerWriter applies one layer to a folder that already holds what is below it. All access goes through os.Root, so
// no entry can escape the folder, by its name or by links.
type layerWriter struct {
	root   *os.Root
	budget *Limits
	// written holds this layer's entries: its whiteouts only remove those of layers below.
	written map[string]bool
	// folderTimes are set last, as every entry made in a folder changes its time.
	folderTimes map[string]time.Time
}

// applyLayer reads a layer, an uncompressed tar file, and applies it to dir. What it writes is deducted from the
// budget.
func applyLayer(ctx context.Context, layer io.Reader, dir string, budget *Limits) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()

	w := &layerWriter{root: root, budget: budget, written: map[string]bool{}, folderTimes: map[string]time.Time{}}
	entries := tar.NewReader(layer)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return w.finish()
		}
		if err != nil {
			return fmt.Errorf("not a readable tar file: %w", err)
		}
		if err := w.apply(header, entries); err != nil {
			return fmt.Errorf("entry %q: %w", header.Name, err)
		}
	}
}

func (w *layerWriter) apply(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if w.budget.Entries--; w.budget.Entries < 0 {
		return errTooLarge
	}
	if strings.ContainsRune(header.Name, 0) {
		return errors.New("name contains a NUL byte")
	}
	// Joining to "/" first makes ".." stop at the root, as it does in a root folder.
	name := strings.TrimPrefix(path.Join("/", header.Name), "/")
	if name == "" {
		return w.rootFolder(header)
	}
	parent, err := w.makeParents(path.Dir(name))
	if err != nil {
		return err
	}
	base := path.Base(name)
	name = path.Join(parent, base)
	switch {
	case base == opaqueWhiteout:
		return w.hideAllBelow(parent)
	case strings.HasPrefix(base, whiteoutPrefix):
		return w.hide(parent, strings.TrimPrefix(base, whiteoutPrefix))
	}
	if err := w.write(name, header, content); err != nil {
		return err
	}
	w.written[name] = true
	return nil
}

func (w *layerWriter) write(name string, header *tar.Header, content io.Reader) error {
	if err := w.makeWay(name, header.Typeflag == tar.TypeDir); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return w.folder(name, header)
	case tar.TypeReg:
		return w.file(name, header, content)
	case tar.TypeSymlink:
		if err := w.root.Symlink(header.Linkname, name); err != nil {
			return err
		}
		return ignoreUnmapped(w.root.Lchown(name, header.Uid, header.Gid))
	case tar.TypeLink:
		return w.hardLink(name, header)
	case tar.TypeFifo:
		return w.fifo(name, header)
	case tar.TypeChar, tar.TypeBlock:
		return nil // containers get their devices from the agent, never from an image
	}
	return fmt.Errorf("unknown entry type %q", header.Typeflag)
}

// makeWay removes what an entry replaces. An existing folder is kept with its contents. A file must be removed rather
// than overwritten, as it is linked to the layers below.
func (w *layerWriter) makeWay(name string, folder bool) error {
	info, err := w.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && folder && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return w.root.RemoveAll(name)
}

// hide removes what the layers below had at name, unless this layer has an entry there.
func (w *layerWriter) hide(folder, base string) error {
	if strings.HasPrefix(base, whiteoutPrefix) {
		return nil // AUFS's metadata
	}
	if base == "" || base == "." || base == ".." {
		return errors.New("whiteout without a file name")
	}
	name := path.Join(folder, base)
	if w.written[name] {
		return nil
	}
	err := w.root.RemoveAll(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// hideAllBelow removes what the layers below had in a folder.
func (w *layerWriter) hideAllBelow(folder string) error {
	return fs.WalkDir(w.root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == folder {
			return err
		}
		if w.written[name] {
			return nil // a folder of this layer: its contents may be from below
		}
		if entry.IsDir() && w.hasWrittenBelow(name) {
			return nil
		}
		if err := w.root.RemoveAll(name); err != nil {
			return err
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

func (w *layerWriter) hasWrittenBelow(folder string) bool {
	for name := range w.written {
		if strings.HasPrefix(name, folder+"/") {
			return true
		}
	}
	return false
}

func (w *layerWriter) finish() error {
	for name, t := range w.folderTimes {
		if err := w.root.Chtimes(name, t, t); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
