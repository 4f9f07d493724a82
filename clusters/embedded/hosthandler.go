package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

const (
	hostDialTimeout = 15 * time.Second
	// credentialsTimeout bounds a credential helper, a program that may wait for input that never comes.
	credentialsTimeout = 20 * time.Second
)

// hostHandler opens connections to registries, with this machine's network and names, and reads the user's credentials.
type hostHandler struct{ keychain authn.Keychain }

var _ control.HostHandler = hostHandler{}

// Dial opens a connection from this machine.
func (hostHandler) Dial(ctx context.Context, r control.DialRequest) (*os.File, error) {
	dialer := net.Dialer{Timeout: hostDialTimeout}
	conn, err := dialer.DialContext(ctx, r.Network, r.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("network %q: only TCP connections can be passed on", r.Network)
	}
	return tcp.File()
}

// Credentials reads the Docker configuration, or calls the credential helper that it names.
func (h hostHandler) Credentials(ctx context.Context, repository string) (control.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	repo, err := name.NewRepository(repository)
	if err != nil {
		return control.Credentials{}, fmt.Errorf("credentials for %q: %w", repository, err)
	}
	type answer struct {
		config *authn.AuthConfig
		err    error
	}
	answers := make(chan answer, 1)
	go func() { // the library doesn't end a helper with a context
		config, err := resolve(ctx, h.keychain, repo)
		answers <- answer{config, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return control.Credentials{}, fmt.Errorf("the Docker configuration's credentials for %s: %w", repository, a.err)
		}
		return control.Credentials{
			Username: a.config.Username, Password: a.config.Password,
			IdentityToken: a.config.IdentityToken, RegistryToken: a.config.RegistryToken,
		}, nil
	case <-ctx.Done():
		return control.Credentials{}, fmt.Errorf("the Docker configuration's credentials for %s: no answer from the credential helper: %w", repository, context.Cause(ctx))
	}
}

func resolve(ctx context.Context, keychain authn.Keychain, repo name.Repository) (*authn.AuthConfig, error) {
	authenticator, err := authn.Resolve(ctx, keychain, repo)
	if err != nil {
		return nil, err
	}
	return authn.Authorization(ctx, authenticator)
}
