//go:build linux

package image

import (
	"context"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Source is an image that is to be added to a store. Its layers may be anywhere: they are read one after another, and
// only those that the store lacks.
type Source struct {
	Image v1.Image
	// Names under which Get is to find the image, as FullName writes them.
	Names []string
	// Digests under which Get is to find it too, in the repositories of its names: of its manifest and of the index that
	// it was chosen from. The first is the one that the names stand for.
	Digests []string
	// Loaded is whether the image comes from an archive.
	Loaded bool
}

// Add unpacks an image and returns it under each of its names. Content is checked against the image's digests. An image
// that can't be unpacked completely isn't added, but its complete layers are kept for another attempt.
func (s *Store) Add(ctx context.Context, source Source) ([]Image, error) {
	scratch, err := os.MkdirTemp(s.tmp(), "add-")
	if err != nil {
		return nil, fmt.Errorf("adding an image: %w", err)
	}
	defer removeTree(scratch)
	return s.add(ctx, source, scratch)
}

func (s *Store) add(ctx context.Context, source Source, scratch string) ([]Image, error) {
	img, err := s.unpack(ctx, source.Image, scratch)
	if err != nil {
		return nil, err
	}
	img.Loaded = source.Loaded
	if len(source.Digests) > 0 {
		img.Digest = source.Digests[0]
	}
	var added []Image
	for _, n := range source.Names {
		ref, err := ParseName(n)
		if err != nil {
			return nil, err
		}
		img.Name, img.Repository = n, repository(ref)
		for _, digest := range source.Digests {
			byDigest := img
			byDigest.Name, byDigest.Digest = img.Repository+"@"+digest, digest
			if err := s.put(byDigest); err != nil {
				return nil, err
			}
		}
		if err := s.put(img); err != nil {
			return nil, err
		}
		img.RootFS = s.chainPath(img.Chain)
		added = append(added, img)
	}
	return added, nil
}

// Missing returns the layers of an image that the store lacks, the lowest first.
func (s *Store) Missing(source v1.Image) ([]v1.Layer, error) {
	config, layers, err := contents(source)
	if err != nil {
		return nil, err
	}
	var missing []v1.Layer
	chain := ""
	for i, layer := range layers {
		chain = chainID(chain, config.RootFS.DiffIDs[i].Hex)
		if !s.hasChain(chain) {
			missing = append(missing, layer)
		}
	}
	return missing, nil
}

func (s *Store) hasChain(chain string) bool {
	_, err := os.Stat(s.chainPath(chain))
	return err == nil
}

// contents returns an image's configuration and layers, of which there are as many as the configuration lists.
func contents(source v1.Image) (*v1.ConfigFile, []v1.Layer, error) {
	config, err := source.ConfigFile()
	if err != nil {
		return nil, nil, fmt.Errorf("reading configuration: %w", err)
	}
	layers, err := source.Layers()
	if err != nil {
		return nil, nil, fmt.Errorf("reading layers: %w", err)
	}
	if len(layers) != len(config.RootFS.DiffIDs) {
		return nil, nil, fmt.Errorf("configuration lists %d layers, manifest %d", len(config.RootFS.DiffIDs), len(layers))
	}
	return config, layers, nil
}
