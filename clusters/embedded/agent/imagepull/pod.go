//go:build linux

// Package imagepull gets the images of Pods from the cluster's store or, as the pull policy says, from their registry
// (Kubernetes documentation, "Images"). Events, reasons, messages and delays are those of the kubelet's image manager.
//
// One thing is different on purpose: an image that was loaded from an archive is what the cluster runs under its name,
// with the policy Always too. Kubernetes gives that policy to every image with the tag latest, and otherwise such an
// image could not be run on a machine that doesn't reach the registry, or would be replaced by another one of the same name.
package imagepull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// Remote pulls images into the store. Progress is in bytes, and the total zero until it is known.
type Remote interface {
	Pull(ctx context.Context, imageName string, credentials []authn.AuthConfig, report func(done, total int64)) error
}

// Node is where the Pods of a node get their images.
type Node struct {
	Store  *image.Store
	Remote Remote
	// LoadCommand is how users load an image from an archive, "testbed load ARCHIVE".
	LoadCommand string
}

// Pod gets the images of one Pod.
type Pod struct {
	node    Node
	backOff *flowcontrol.Backoff
	log     *slog.Logger

	mu sync.Mutex
	// By image name: the pull that failed last, and the last event about an image that isn't pulled.
	failures map[string]*failure
	said     map[string]string
}

// failure is a pull that failed.
type failure struct {
	message  string
	at       time.Time
	reported bool // whether an event has said that the next attempt waits
}

// The kubelet's delays between the attempts to pull an image.
const (
	firstDelay = 10 * time.Second
	maxDelay   = 5 * time.Minute
	// failureShown is how long ErrImagePull is the reason, before ImagePullBackOff. With the kubelet it is so until it
	// looks at the Pod again, after some seconds.
	failureShown = 2 * time.Second
)

// ForPod returns what gets the images of a Pod. Its delays end with the Pod.
func (n Node) ForPod(log *slog.Logger) *Pod {
	return &Pod{node: n, log: log, backOff: flowcontrol.NewBackOff(firstDelay, maxDelay), failures: map[string]*failure{}, said: map[string]string{}}
}

// Stored returns an image if the store has it.
func (p *Pod) Stored(imageName string) (image.Image, error) { return p.node.Store.Get(imageName) }

// Request for an image.
type Request struct {
	// Image and Policy as the Pod has them.
	Image  string
	Policy corev1.PullPolicy
	// Credentials returns those of the Pod's image pull secrets for a repository.
	Credentials func(ctx context.Context, repository name.Repository) []authn.AuthConfig
	// Event records an event.
	Event func(kind, reason, message string)
	// Progress receives messages about the progress of a pull that takes long. It may be nil.
	Progress func(message string)
}

// Reasons for which a container waits for its image.
const (
	ReasonInvalidName = "InvalidImageName"
	ReasonInspect     = "ImageInspectError"
	ReasonNeverPull   = "ErrImageNeverPull"
	ReasonPull        = "ErrImagePull"
	ReasonBackOff     = "ImagePullBackOff"
)

// Reasons of events.
const (
	eventPulling = "Pulling"
	eventPulled  = "Pulled"
	eventFailed  = "Failed"
	eventBackOff = "BackOff"
	eventInspect = "InspectFailed"
)

// Error says why an image is missing. The caller retries after a short while: Get keeps the delay between two pulls.
type Error struct{ Reason, Message string }

func (e *Error) Error() string { return e.Message }

// Get returns an image, which it pulls if the policy requires that. The error is an Error, or that of ctx.
func (p *Pod) Get(ctx context.Context, r Request) (image.Image, error) {
	ref, err := image.ParseName(r.Image)
	if err != nil {
		message := fmt.Sprintf("Failed to apply default image tag %q: %v", r.Image, err)
		p.say(r, eventInspect, message)
		return image.Image{}, &Error{ReasonInvalidName, message}
	}
	present, missing := p.node.Store.Get(r.Image)
	switch {
	case missing != nil && !errors.Is(missing, image.ErrNotFound):
		message := fmt.Sprintf("Failed to inspect image %q: %v", r.Image, missing)
		p.say(r, eventInspect, message)
		return image.Image{}, &Error{ReasonInspect, message}
	case missing == nil && (present.Loaded || effectivePolicy(r.Policy, ref) != corev1.PullAlways):
		p.succeeded(r.Image)
		r.Event(corev1.EventTypeNormal, eventPulled, fmt.Sprintf("Container image %q already present on machine", r.Image))
		return present, nil
	case missing != nil && r.Policy == corev1.PullNever:
		message := fmt.Sprintf("Container image %q is not present with pull policy of Never", r.Image)
		p.say(r, ReasonNeverPull, message)
		return image.Image{}, &Error{ReasonNeverPull, message + p.remedy(missing)}
	}
	if err := p.waits(r); err != nil {
		return image.Image{}, err
	}
	return p.pull(ctx, r, ref, missing)
}

// say records a warning unless it was the last one about the image: Get is called again and again.
func (p *Pod) say(r Request, reason, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said[r.Image] == message {
		return
	}
	p.said[r.Image] = message
	r.Event(corev1.EventTypeWarning, reason, message)
}

// effectivePolicy is the policy, or the default of the image's tag, which the API server has usually set.
func effectivePolicy(policy corev1.PullPolicy, ref name.Reference) corev1.PullPolicy {
	if policy != "" {
		return policy
	}
	if tag, ok := ref.(name.Tag); ok && tag.TagStr() == name.DefaultTag {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// waits returns an error while it is too early to pull an image again.
func (p *Pod) waits(r Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, now := p.failures[r.Image], p.backOff.Clock.Now()
	switch {
	case last == nil || !p.backOff.IsInBackOffSinceUpdate(r.Image, now):
		return nil
	case now.Sub(last.at) < failureShown:
		return &Error{ReasonPull, last.message}
	}
	message := fmt.Sprintf("Back-off pulling image %q", r.Image)
	if !last.reported {
		last.reported = true
		r.Event(corev1.EventTypeNormal, eventBackOff, message)
	}
	return &Error{ReasonBackOff, fmt.Sprintf("%s: %s: %s", message, ReasonPull, last.message)}
}

// pull pulls an image; missing is why the store doesn't have it, or nil if it does.
func (p *Pod) pull(ctx context.Context, r Request, ref name.Reference, missing error) (image.Image, error) {
	r.Event(corev1.EventTypeNormal, eventPulling, fmt.Sprintf("Pulling image %q", r.Image))
	start := p.backOff.Clock.Now()
	var credentials []authn.AuthConfig
	if r.Credentials != nil {
		credentials = r.Credentials(ctx, ref.Context())
	}
	err := p.node.Remote.Pull(ctx, r.Image, credentials, p.reporter(r))
	var img image.Image
	if err == nil {
		img, err = p.node.Store.Get(r.Image)
	}
	took := p.backOff.Clock.Since(start).Round(time.Millisecond)
	switch {
	case err == nil:
		p.succeeded(r.Image)
		p.log.Info("image pulled", "image", r.Image, "digest", img.Digest, "took", took)
		r.Event(corev1.EventTypeNormal, eventPulled, fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %d bytes.",
			r.Image, took, took, img.Size))
		return img, nil
	case ctx.Err() != nil:
		return image.Image{}, context.Cause(ctx)
	}
	p.log.Warn("pulling an image", "image", r.Image, "took", took, "error", err)
	message := err.Error() + p.remedy(missing)
	r.Event(corev1.EventTypeWarning, eventFailed, fmt.Sprintf("Failed to pull image %q: %s", r.Image, message))
	p.failed(r.Image, message)
	return image.Image{}, &Error{ReasonPull, message}
}

func (p *Pod) succeeded(imageName string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.failures, imageName)
	delete(p.said, imageName)
	p.backOff.Reset(imageName)
}

func (p *Pod) failed(imageName, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.backOff.Clock.Now()
	p.failures[imageName] = &failure{message: message, at: now}
	p.backOff.Next(imageName, now)
}

// remedy is what a user can do about an image that can't be pulled; missing is why the store doesn't have it.
func (p *Pod) remedy(missing error) string {
	var other *image.OtherDigestError
	if errors.As(missing, &other) {
		return "; " + other.Error()
	}
	return "; to run it without a registry, load its archive: " + p.node.LoadCommand
}

// reporter returns a function that turns progress into messages, each different from the one before.
func (p *Pod) reporter(r Request) func(done, total int64) {
	last := ""
	return func(done, total int64) {
		message := fmt.Sprintf("Pulling image %q", r.Image)
		if total > 0 {
			message += fmt.Sprintf(": %d of %d MB", megabytes(done), megabytes(total))
		}
		if r.Progress != nil && message != last {
			last = message
			r.Progress(message)
		}
	}
}

// megabytes rounds up.
func megabytes(bytes int64) int64 { return (bytes + 999_999) / 1_000_000 }
