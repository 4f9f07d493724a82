//go:build linux

package node

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

// registries lets the test network pull images, for which it has the host's network. Nodes have no way out.
type registries struct{ testNetwork *control.Client }

var _ imagepull.Remote = registries{}

// Pull pulls an image for all nodes.
func (r registries) Pull(ctx context.Context, imageName string, credentials []authn.AuthConfig, report func(done, total int64)) error {
	request := control.PullRequest{Image: imageName}
	for _, c := range credentials {
		request.Credentials = append(request.Credentials, control.Credentials{
			Username: c.Username, Password: c.Password, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
		})
	}
	return r.testNetwork.PullImage(ctx, request, func(p control.PullProgress) { report(p.Done, p.Total) })
}
