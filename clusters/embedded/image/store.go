//go:build linux

// Package image is a store of container images that all nodes of one cluster share: a folder, usually on a tmpfs, into
// which archives are unpacked once and from which any number of processes read at the same time, without a daemon and
// without locks.
//
// Everything that appears in the folder appears by rename(2), complete:
//
//	rootfs/<chain id>/   the root file system after a layer, whiteouts already applied
//	refs/<hash>.json     an image by a name, with a tag or a digest: its configuration and which root file system it has
//	tmp/                 what is being written
//
// A root file system holds the files of the layers below it as hard links, so a layer that several images share is
// unpacked once and takes its space once. rootfs/ must not be written to: containers use it as an overlay's lower
// layer.
package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrNotFound is wrapped by Get for an image that is not in the store.
var ErrNotFound = errors.New("not in the cluster's image store")

// ErrInvalidName is wrapped by Get for an invalid image reference.
var ErrInvalidName = errors.New("invalid image name")

// Store is a folder of images. Its methods may be used by many goroutines and processes at once.
type Store struct {
	dir    string
	limits Limits
}

// Limits keep a broken or hostile archive from filling the memory that a tmpfs is made of.
type Limits struct {
	// Bytes of files that one image may unpack to, counted per layer before whiteouts.
	Bytes int64
	// Entries (files, folders, links) in all layers of one image.
	Entries int
}

// DefaultLimits are generous for a test-bed's images.
func DefaultLimits() Limits { return Limits{Bytes: 8 << 30, Entries: 1_000_000} }

// Image is an image in the store.
type Image struct {
	// Name in full, with registry, repository and tag or digest.
	Name string `json:"name"`
	// Repository is the name without tag and digest.
	Repository string `json:"repository"`
	// ID is the digest of the image's configuration.
	ID string `json:"id"`
	// Digest that the name stands for, of a manifest or of an index; empty for an image from `docker save`, which keeps
	// neither.
	Digest string `json:"digest,omitempty"`
	// Loaded is whether the image comes from an archive, and not from a registry.
	Loaded bool `json:"loaded,omitempty"`
	// Config of the image's process: entry point, environment, user, working folder, stop signal.
	Config v1.Config `json:"config"`
	// Size in bytes of the unpacked files.
	Size int64 `json:"size"`
	// Chain identifies the root file system (OCI image specification, "ChainID").
	Chain string `json:"chain"`
	// RootFS is the folder with the image's files, to be read only.
	RootFS string `json:"-"`
}

// Open opens the store in dir and makes it if it doesn't exist.
func Open(dir string) (*Store, error) { return OpenLimited(dir, DefaultLimits()) }

// OpenLimited is Open with other limits for what is loaded.
func OpenLimited(dir string, limits Limits) (*Store, error) {
	s := &Store{dir: dir, limits: limits}
	for _, sub := range []string{s.refs(), s.rootfs(), s.tmp()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return nil, fmt.Errorf("opening image store: %w", err)
		}
	}
	return s, nil
}

// Get returns the image of a Pod's image name. Short names are expanded as in Docker, so "web" is
// "docker.io/library/web:latest". As with the kubelet, a digest counts and a tag beside it doesn't.
func (s *Store) Get(imageName string) (Image, error) {
	ref, err := ParseName(imageName)
	if err != nil {
		return Image{}, err
	}
	img, err := s.read(s.refPath(FullName(ref)), imageName)
	if errors.Is(err, ErrNotFound) {
		return Image{}, s.explainMissing(ref, imageName, err)
	}
	return img, err
}

// List returns all images, sorted by name.
func (s *Store) List() ([]Image, error) {
	paths, err := filepath.Glob(filepath.Join(s.refs(), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	images := make([]Image, 0, len(paths))
	for _, path := range paths {
		img, err := s.read(path, path)
		if err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	sort.Slice(images, func(i, j int) bool { return images[i].Name < images[j].Name })
	return images, nil
}

func (s *Store) read(path, imageName string) (Image, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Image{}, fmt.Errorf("image %s: %w", imageName, ErrNotFound)
	}
	if err != nil {
		return Image{}, fmt.Errorf("reading image %s: %w", imageName, err)
	}
	var img Image
	if err := json.Unmarshal(raw, &img); err != nil {
		return Image{}, fmt.Errorf("reading image %s: %w", imageName, err)
	}
	img.RootFS = s.chainPath(img.Chain)
	return img, nil
}

// put stores an image under its name, replacing any previous one.
func (s *Store) put(img Image) error {
	raw, err := json.Marshal(img)
	if err != nil {
		return fmt.Errorf("storing image %s: %w", img.Name, err)
	}
	f, err := os.CreateTemp(s.tmp(), "ref-")
	if err != nil {
		return fmt.Errorf("storing image %s: %w", img.Name, err)
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.refPath(img.Name))
	}
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the first error matters
		return fmt.Errorf("storing image %s: %w", img.Name, err)
	}
	return nil
}

func (s *Store) refs() string   { return filepath.Join(s.dir, "refs") }
func (s *Store) rootfs() string { return filepath.Join(s.dir, "rootfs") }
func (s *Store) tmp() string    { return filepath.Join(s.dir, "tmp") }

// refPath hashes the name, as names may be longer than a file name and contain slashes.
func (s *Store) refPath(full string) string {
	sum := sha256.Sum256([]byte(full))
	return filepath.Join(s.refs(), hex.EncodeToString(sum[:])+".json")
}

func (s *Store) chainPath(chain string) string { return filepath.Join(s.rootfs(), chain) }
