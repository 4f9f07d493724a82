//go:build linux

// Package registry pulls images from registries into a cluster's image store (OCI distribution specification). One Puller
// does so for all nodes of a cluster, which share the store:
//
//	Pull       requests for the same image at the same time share one pull
//	  fetch    manifest, platform and configuration, with one of the credentials
//	  Add      the store reads the layers that it lacks, one after another, and checks every digest
//
// Everything that comes from a registry is limited in size and time: it may be broken, hostile or slow.
package registry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// Config of a Puller.
type Config struct {
	Store *image.Store
	// Dial opens a connection to a registry or proxy.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Keychain returns the user's credentials for a repository, "registry.example/team/web". They are used after those of
	// a request. They are zero if there are none.
	Keychain func(ctx context.Context, repository string) (authn.AuthConfig, error)
	// Platform of the images; the zero value is this machine's.
	Platform v1.Platform
	// Limits bound a pull; the zero value is DefaultLimits.
	Limits Limits
}

// Limits bound a pull.
type Limits struct {
	// Bytes of all layers of an image as the registry has them.
	Bytes int64
	// Pulls at the same time; further ones wait.
	Pulls int
	// Stall is how long a registry may send nothing, and Pull how long a pull may take.
	Stall, Pull time.Duration
}

// DefaultLimits are generous for a test-bed's images.
func DefaultLimits() Limits {
	return Limits{Bytes: 8 << 30, Pulls: 4, Stall: time.Minute, Pull: time.Hour}
}

// Request for an image.
type Request struct {
	// Image as a Pod has it.
	Image string
	// Credentials to try, in this order. The user's come after them.
	Credentials []authn.AuthConfig
}

// Progress counts the bytes of the layers that the store lacked, as the registry has them. Total is zero until it is
// known.
type Progress struct{ Done, Total int64 }

// Puller pulls images.
type Puller struct {
	config    Config
	transport *http.Transport
	slots     chan struct{}
	tasks     sync.WaitGroup

	mu    sync.Mutex
	calls map[string]*call
}

// New makes a Puller.
func New(config Config) *Puller {
	if config.Limits == (Limits{}) {
		config.Limits = DefaultLimits()
	}
	if config.Platform.OS == "" {
		config.Platform = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	}
	return &Puller{
		config: config, transport: newTransport(config), slots: make(chan struct{}, config.Limits.Pulls), calls: map[string]*call{},
	}
}

// Close waits for the pulls to end: a pull is cancelled once no caller waits for it.
func (p *Puller) Close() {
	p.tasks.Wait()
	p.transport.CloseIdleConnections()
}

// Pull pulls an image into the store, and returns when Get finds it there. If the registry's image is the same as
// before, only its manifest and configuration are read again. Progress is reported about once a second, from the calling
// goroutine.
func (p *Puller) Pull(ctx context.Context, r Request, report func(Progress)) error {
	if err := p.join(ctx, r, report); err != nil {
		return &Error{Cause: err}
	}
	return nil
}

// pull is one pull, for all who wait for it.
func (p *Puller) pull(ctx context.Context, r Request, progress *counter) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	limit := p.config.Limits.Pull
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished after %v", limit))
	defer cancel()
	err := p.tryCredentials(ctx, r, progress)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
