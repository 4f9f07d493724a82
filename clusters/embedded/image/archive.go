//go:build linux

package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Names of an image in an OCI layout are annotations: the first is containerd's and full, the second is of the image
// specification and may be a tag alone.
const (
	annotationFullName = "io.containerd.image.name"
	annotationRefName  = "org.opencontainers.image.ref.name"
)

// maxIndexes bounds how many indexes inside indexes are followed.
const maxIndexes = 8

var blobPath = regexp.MustCompile(`^blobs/sha256/[0-9a-f]{64}$`)

// readArchive detects the kind of archive. Since Docker 25 `docker save` writes both kinds in one file; its
// manifest.json has the full names, so that is preferred.
func readArchive(ctx context.Context, archivePath, scratch string, limits Limits) ([]Source, error) {
	kind, err := archiveKind(ctx, archivePath)
	if err != nil {
		return nil, err
	}
	if kind == dockerArchive {
		return readDockerArchive(archivePath)
	}
	dir := filepath.Join(scratch, "layout")
	if err := extractLayout(ctx, archivePath, dir, limits.Bytes); err != nil {
		return nil, fmt.Errorf("reading OCI layout: %w", err)
	}
	return readLayout(dir)
}

type kind int

const (
	dockerArchive kind = iota
	ociLayout
)

func archiveKind(ctx context.Context, archivePath string) (kind, error) {
	oci := false
	err := eachEntry(ctx, archivePath, func(header *tar.Header, _ io.Reader) (bool, error) {
		switch path.Clean(header.Name) {
		case "manifest.json":
			oci = false
			return false, errFoundDocker
		case "index.json":
			oci = true
		}
		return true, nil
	})
	switch {
	case errors.Is(err, errFoundDocker):
		return dockerArchive, nil
	case err != nil:
		return 0, err
	case oci:
		return ociLayout, nil
	}
	return 0, errors.New("no manifest.json or index.json in the archive: it must be a tar file in the OCI layout or " +
		"one written by `docker save`")
}

var errFoundDocker = errors.New("found manifest.json")

// eachEntry calls visit for the entries of a tar file until it returns false or an error.
func eachEntry(ctx context.Context, archivePath string, visit func(*tar.Header, io.Reader) (bool, error)) error {
	f, err := openArchive(archivePath)
	if err != nil {
		return err
	}
	defer f.Close()
	entries := tar.NewReader(f)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not a readable tar file: %w", err)
		}
		more, err := visit(header, entries)
		if err != nil || !more {
			return err
		}
	}
}

func readDockerArchive(archivePath string) ([]Source, error) {
	opener := func() (io.ReadCloser, error) { return openArchive(archivePath) }
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return nil, fmt.Errorf("reading manifest.json: %w", err)
	}
	var found []Source
	for _, descriptor := range manifest {
		if len(descriptor.RepoTags) == 0 {
			continue // no Pod can refer to it without a name
		}
		// The library finds an image by a tag, which has to be exactly that of the manifest.
		tag, err := parseTag(descriptor.RepoTags[0])
		if err != nil {
			return nil, err
		}
		img, err := tarball.Image(opener, tag)
		if err != nil {
			return nil, fmt.Errorf("reading image %s: %w", descriptor.RepoTags[0], err)
		}
		a := Source{Image: img, Loaded: true}
		for _, tag := range descriptor.RepoTags {
			full, err := canonical(tag)
			if err != nil {
				return nil, err
			}
			a.Names = append(a.Names, full)
		}
		found = append(found, a)
	}
	if len(found) == 0 {
		return nil, errors.New("no image in it has a name (RepoTags)")
	}
	return found, nil
}

// extractLayout writes the files of an OCI layout, and only those, into dir.
func extractLayout(ctx context.Context, archivePath, dir string, limit int64) error {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	return eachEntry(ctx, archivePath, func(header *tar.Header, content io.Reader) (bool, error) {
		file := path.Clean(header.Name)
		if header.Typeflag != tar.TypeReg || file != "oci-layout" && file != "index.json" && !blobPath.MatchString(file) {
			return true, nil
		}
		if limit -= header.Size; limit < 0 {
			return false, errTooLarge
		}
		f, err := os.Create(filepath.Join(dir, file))
		if err != nil {
			return false, err
		}
		_, err = io.Copy(f, content)
		return true, errors.Join(err, f.Close())
	})
}

func readLayout(dir string) ([]Source, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading OCI layout: %w", err)
	}
	var found []Source
	if err := collect(index, origin{}, &found); err != nil {
		return nil, fmt.Errorf("reading OCI layout: %w", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no image for linux/%s in it has a name (annotation %s or %s)", runtime.GOARCH,
			annotationFullName, annotationRefName)
	}
	return found, nil
}

// origin is how an index was found: the names that its images inherit, and the digests of the named index and those
// between.
type origin struct {
	names, digests []string
	depth          int
}

// collect finds the named images of an index that this machine can run. A nested index may carry the name for the
// images of all its platforms.
func collect(index v1.ImageIndex, from origin, found *[]Source) error {
	if from.depth > maxIndexes {
		return errors.New("indexes are nested too deeply")
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, descriptor := range manifest.Manifests {
		own, err := from.follow(descriptor)
		if err != nil {
			return err
		}
		switch {
		case descriptor.MediaType.IsIndex():
			inner, err := index.ImageIndex(descriptor.Digest)
			if err != nil {
				return err
			}
			if err := collect(inner, own, found); err != nil {
				return err
			}
		case descriptor.MediaType.IsImage() || descriptor.MediaType == types.MediaType(""):
			if len(own.names) == 0 || !runsHere(descriptor.Platform) {
				continue
			}
			img, err := index.Image(descriptor.Digest)
			if err != nil {
				return err
			}
			*found = append(*found, Source{Image: img, Names: own.names, Digests: own.digests, Loaded: true})
		}
	}
	return nil
}

// follow returns the origin of what a descriptor in the index refers to.
func (o origin) follow(descriptor v1.Descriptor) (origin, error) {
	names, err := layoutNames(descriptor)
	if err != nil {
		return o, err
	}
	next := origin{names: o.names, digests: o.digests, depth: o.depth + 1}
	if names != nil { // its own name stands for its own digest
		next.names, next.digests = names, nil
	}
	if len(next.names) > 0 {
		next.digests = append(slices.Clone(next.digests), descriptor.Digest.String())
	}
	return next, nil
}

// layoutNames are the names that a descriptor carries.
func layoutNames(descriptor v1.Descriptor) ([]string, error) {
	for _, annotation := range []string{annotationFullName, annotationRefName} {
		if value := descriptor.Annotations[annotation]; value != "" {
			full, err := canonical(value)
			if err != nil {
				return nil, err
			}
			return []string{full}, nil
		}
	}
	return nil, nil
}

// runsHere accepts images without a platform; attestations have platform "unknown".
func runsHere(p *v1.Platform) bool {
	return p == nil || p.OS == "" || p.OS == "linux" && p.Architecture == runtime.GOARCH
}

func parseTag(s string) (*name.Tag, error) {
	tag, err := name.NewTag(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidName, err)
	}
	return &tag, nil
}
