//go:build linux

package lifecycle

import (
	"context"
	"net/netip"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// containerPod is a Pod as its containers see it.
type containerPod struct {
	node      *Node
	state     *podState
	resources *resources
}

var _ containers.Pod = containerPod{}

func (p containerPod) Object() *corev1.Pod         { return p.state.get().Pod }
func (p containerPod) IPs() []netip.Addr           { return p.state.ips() }
func (p containerPod) Apply(event podstatus.Event) { p.state.Apply(event) }
func (p containerPod) Container(name string) podstatus.Container {
	return p.state.get().Containers[name]
}

func (p containerPod) Event(fieldPath, kind, reason, message string) {
	p.node.event(p.Object(), fieldPath, kind, reason, message)
}

// PullCredentials returns those of the Pod's image pull secrets for a repository.
func (p containerPod) PullCredentials(ctx context.Context, repository name.Repository) []authn.AuthConfig {
	return p.objects(ctx).PullCredentials(ctx, repository)
}

func (p containerPod) objects(ctx context.Context) podObjects {
	return podObjects{ctx, p.node, p.Object(), p.resources.images}
}

// Spec builds the specification of a container.
func (p containerPod) Spec(ctx context.Context, c *corev1.Container, img image.Image) (container.Spec, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pod := p.Object()
	services, err := p.node.services(pod.Namespace)
	if err != nil {
		return container.Spec{}, err
	}
	spec, err := podspec.Build(podspec.Input{
		Pod: pod, Container: c, Image: img, Runtime: p.resources.runtime(), Services: services,
		Objects: p.objects(ctx),
	})
	if err != nil {
		return spec, err
	}
	if err := container.CheckUser(spec.User); err != nil {
		return spec, err
	}
	spec.Namespaces = p.resources.namespaces()
	err = p.resources.withVolumes(ctx, func() error {
		mounts, err := p.resources.volumes.Mounts(pod, c, func(s string) string { return podspec.ExpandWith(s, spec.Env) })
		if err != nil {
			return err
		}
		spec.Mounts = append(p.resources.fileMounts(c), mounts...)
		return nil
	})
	return spec, err
}
