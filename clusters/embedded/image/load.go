//go:build linux

package image

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Load unpacks every image of an archive and returns the images under each of their names. The archive is a tar file,
// gzipped or not, in the OCI layout or as `docker save` writes it. Content is checked against the image's digests.
// Loading the same image again is quick; loading another image under the same name replaces it for pods that start
// later.
func (s *Store) Load(ctx context.Context, archivePath string) ([]Image, error) {
	found, err := s.load(ctx, archivePath)
	if err != nil {
		return nil, fmt.Errorf("loading images from %s: %w", archivePath, err)
	}
	return found, nil
}

func (s *Store) load(ctx context.Context, archivePath string) ([]Image, error) {
	scratch, err := os.MkdirTemp(s.tmp(), "load-")
	if err != nil {
		return nil, err
	}
	defer removeTree(scratch)

	archived, err := readArchive(ctx, archivePath, scratch, s.limits)
	if err != nil {
		return nil, err
	}
	var loaded []Image
	for _, a := range archived {
		images, err := s.add(ctx, a, scratch)
		if err != nil {
			return nil, fmt.Errorf("image %v: %w", a.Names, err)
		}
		loaded = append(loaded, images...)
	}
	return loaded, nil
}

// unpack adds the root file systems that are missing and returns the image's description.
func (s *Store) unpack(ctx context.Context, source v1.Image, scratch string) (Image, error) {
	config, layers, err := contents(source)
	if err != nil {
		return Image{}, err
	}
	id, err := source.ConfigName()
	if err != nil {
		return Image{}, fmt.Errorf("reading configuration digest: %w", err)
	}
	budget := s.limits
	chain := ""
	for i, layer := range layers {
		diffID := config.RootFS.DiffIDs[i]
		parent := chain
		chain = chainID(parent, diffID.Hex)
		if s.hasChain(chain) {
			continue
		}
		if err := s.addLayer(ctx, layer, diffID, parent, chain, scratch, &budget); err != nil {
			return Image{}, fmt.Errorf("layer %d (%s): %w", i+1, diffID, err)
		}
	}
	if chain == "" { // an image may have no layers at all, only a configuration
		chain = chainID("", "empty")
		if err := os.MkdirAll(s.chainPath(chain), 0o755); err != nil {
			return Image{}, err
		}
	}
	size, err := treeSize(s.chainPath(chain))
	if err != nil {
		return Image{}, err
	}
	return Image{ID: id.String(), Config: config.Config, Size: size, Chain: chain}, nil
}

// addLayer builds the root file system of chain from its parent's and one layer, in tmp, and moves it into place.
func (s *Store) addLayer(ctx context.Context, layer v1.Layer, diffID v1.Hash, parent, chain, scratch string, budget *Limits) error {
	building := filepath.Join(scratch, chain)
	if err := os.Mkdir(building, 0o755); err != nil {
		return err
	}
	if parent != "" {
		if err := linkTree(ctx, s.chainPath(parent), building); err != nil {
			return fmt.Errorf("linking the layers below: %w", err)
		}
	}
	content, err := layer.Uncompressed()
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	defer content.Close()

	checked := newDigester(content)
	if err := applyLayer(ctx, checked, building, budget); err != nil {
		return err
	}
	if err := checked.verify(diffID.Hex); err != nil {
		return err
	}
	err = os.Rename(building, s.chainPath(chain))
	if errors.Is(err, fs.ErrExist) { // another process was quicker, with the same content
		return nil
	}
	return err
}

// chainID follows the OCI image specification: the digest of what is below, a space and the layer.
func chainID(parent, diffID string) string {
	if parent == "" {
		return diffID
	}
	sum := sha256.Sum256([]byte("sha256:" + parent + " sha256:" + diffID))
	return hex.EncodeToString(sum[:])
}

// digester computes the digest of all that is read through it.
type digester struct {
	source io.Reader
	sum    hash.Hash
}

func newDigester(source io.Reader) *digester {
	sum := sha256.New()
	return &digester{source: io.TeeReader(source, sum), sum: sum}
}

func (d *digester) Read(p []byte) (int, error) { return d.source.Read(p) }

// verify reads to the end (a tar archive may be followed by padding) and compares the digest.
func (d *digester) verify(want string) error {
	const maxPadding = 64 << 20
	n, err := io.Copy(io.Discard, io.LimitReader(d, maxPadding))
	if err != nil {
		return fmt.Errorf("reading to the end: %w", err)
	}
	if n == maxPadding {
		return errors.New("more than 64 MiB follow the end of the archive")
	}
	if got := hex.EncodeToString(d.sum.Sum(nil)); got != want {
		return fmt.Errorf("content has digest %s: the archive is damaged", got)
	}
	return nil
}

// openArchive opens a file that may be gzipped.
func openArchive(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(f, 1<<20)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, f.Close())
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &archiveReader{Reader: buffered, file: f}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &archiveReader{Reader: unzipped, file: f}, nil
}

type archiveReader struct {
	io.Reader
	file *os.File
}

func (a *archiveReader) Close() error { return a.file.Close() }
