//go:build linux

package testnetwork

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
	"github.com/ingress-testbed/testbed/clusters/embedded/registry"
)

// newPuller returns what pulls images for all nodes, over connections that the host opens.
func newPuller(host *control.Host) (*registry.Puller, error) {
	store, err := image.Open(control.ImageDir)
	if err != nil {
		return nil, err
	}
	return registry.New(registry.Config{
		Store: store, Dial: host.Dial,
		Keychain: func(ctx context.Context, repository string) (authn.AuthConfig, error) {
			c, err := host.Credentials(ctx, repository)
			return authConfig(c), err
		},
	}), nil
}

// LoadImage makes the images of an archive available on all nodes.
func (h *handler) LoadImage(ctx context.Context, archive string) ([]control.Image, error) {
	return loadImage(ctx, archive)
}

func loadImage(ctx context.Context, archive string) ([]control.Image, error) {
	store, err := image.Open(control.ImageDir)
	if err != nil {
		return nil, err
	}
	loaded, err := store.Load(ctx, archive)
	if err != nil {
		return nil, err
	}
	var images []control.Image
	for _, img := range loaded {
		images = append(images, control.Image{Name: img.Name, Size: img.Size})
	}
	return images, nil
}

// PullImage makes an image of a registry available on all nodes.
func (h *handler) PullImage(ctx context.Context, request control.PullRequest, report func(control.PullProgress)) error {
	wanted := registry.Request{Image: request.Image}
	for _, c := range request.Credentials {
		wanted.Credentials = append(wanted.Credentials, authConfig(c))
	}
	return h.puller.Pull(ctx, wanted, func(p registry.Progress) { report(control.PullProgress{Done: p.Done, Total: p.Total}) })
}

func authConfig(c control.Credentials) authn.AuthConfig {
	return authn.AuthConfig{Username: c.Username, Password: c.Password, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken}
}
