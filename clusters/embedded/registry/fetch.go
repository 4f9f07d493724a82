//go:build linux

package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// tryCredentials pulls an image with one of the credentials after another until the registry accepts one, as the kubelet
// does: the request's, then the user's. It is anonymous only if there are neither.
func (p *Puller) tryCredentials(ctx context.Context, r Request, progress *counter) error {
	ref, err := image.ParseName(r.Image)
	if err != nil {
		return err
	}
	credentials := slices.Clone(r.Credentials)
	users, keychainErr := p.config.Keychain(ctx, ref.Context().Name())
	if keychainErr == nil && users != (authn.AuthConfig{}) {
		credentials = append(credentials, users)
	}
	if len(credentials) == 0 {
		credentials = append(credentials, authn.AuthConfig{})
	}
	for _, c := range credentials {
		err = p.fetch(ctx, ref, authn.FromConfig(c), progress)
		if !isRefusal(err) {
			return err
		}
	}
	if keychainErr != nil { // it matters only if the registry refuses
		return fmt.Errorf("%w (%w)", err, keychainErr)
	}
	return err
}

// fetch pulls an image with an authenticator.
func (p *Puller) fetch(ctx context.Context, ref name.Reference, auth authn.Authenticator, progress *counter) error {
	descriptor, err := remote.Get(ref,
		remote.WithContext(ctx), remote.WithAuth(auth), remote.WithPlatform(p.config.Platform),
		remote.WithTransport(&boundedTransport{next: p.transport, stall: p.config.Limits.Stall, progress: progress}),
		remote.WithUserAgent("ingress-testbed"))
	if err != nil {
		return err
	}
	img, err := p.choose(descriptor)
	if err != nil {
		return err
	}
	if err := p.check(img); err != nil {
		return err
	}
	missing, err := p.config.Store.Missing(img)
	if err != nil {
		return err
	}
	total, err := compressedSize(missing)
	if err != nil {
		return err
	}
	progress.done.Store(0) // what an attempt with other credentials has read doesn't count
	progress.total.Store(total)
	own, err := img.Digest()
	if err != nil {
		return err
	}
	digests := []string{descriptor.Digest.String()}
	if own != descriptor.Digest {
		digests = append(digests, own.String())
	}
	source := image.Source{Image: img, Names: []string{image.FullName(ref)}, Digests: digests}
	if _, err := p.config.Store.Add(ctx, source); err != nil {
		return err
	}
	return nil
}

// choose returns the image for the Puller's platform if the descriptor is of an index, or else the only one.
func (p *Puller) choose(descriptor *remote.Descriptor) (v1.Image, error) {
	img, err := descriptor.Image()
	if err == nil || !descriptor.MediaType.IsIndex() {
		return img, err
	}
	index, indexErr := descriptor.ImageIndex()
	if indexErr != nil {
		return nil, err
	}
	manifest, indexErr := index.IndexManifest()
	if indexErr != nil {
		return nil, err
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		if m.Platform != nil && m.Platform.OS != "unknown" { // an attestation's
			platforms = append(platforms, m.Platform.String())
		}
	}
	if slices.Contains(platforms, p.config.Platform.String()) {
		return nil, err
	}
	return nil, fmt.Errorf("no image for %s: there are images for %s", p.config.Platform, strings.Join(platforms, ", "))
}

const (
	// maxConfig is the size of an image's configuration, which is read as a whole.
	maxConfig = 8 << 20
	maxLayers = 512
)

// check rejects what is not an image that this machine can run, before anything large is read.
func (p *Puller) check(img v1.Image) error {
	manifest, err := img.Manifest()
	if err != nil {
		return fmt.Errorf("reading the manifest: %w", err)
	}
	if t := manifest.Config.MediaType; t != "" && !t.IsConfig() {
		return fmt.Errorf("not a container image: its configuration has the type %s", t)
	}
	if manifest.Config.Size > maxConfig {
		return fmt.Errorf("its configuration has %d bytes, more than %d", manifest.Config.Size, maxConfig)
	}
	if len(manifest.Layers) > maxLayers {
		return fmt.Errorf("it has %d layers, more than %d", len(manifest.Layers), maxLayers)
	}
	left := p.config.Limits.Bytes
	for _, layer := range manifest.Layers {
		if layer.Size < 0 || layer.Size > left {
			return fmt.Errorf("it is larger than %d bytes", p.config.Limits.Bytes)
		}
		left -= layer.Size
	}
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if runs := config.Platform(); runs != nil && config.Architecture != "" && !runs.Satisfies(p.config.Platform) {
		return fmt.Errorf("it is for %s, and this machine runs images for %s", runs, p.config.Platform)
	}
	return nil
}

func compressedSize(layers []v1.Layer) (total int64, err error) {
	for _, layer := range layers {
		size, sizeErr := layer.Size()
		err = errors.Join(err, sizeErr)
		total += size
	}
	return total, err
}
