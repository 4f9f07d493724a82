//go:build linux

package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
)

// ImageRootFS returns the folder with the files of a volume's image.
func (o podObjects) ImageRootFS(ctx context.Context, v *corev1.ImageVolumeSource) (string, error) {
	img, err := o.images.Get(ctx, imagepull.Request{
		Image: v.Reference, Policy: v.PullPolicy, Credentials: o.PullCredentials,
		Event: func(kind, reason, message string) { o.node.event(o.pod, "", kind, reason, message) },
	})
	return img.RootFS, err
}

// PullCredentials returns those of the Pod's image pull secrets for a repository. The API server has given the Pod the
// secrets of its ServiceAccount if it had none (admission plug-in ServiceAccount). Without a secret the pull is attempted
// all the same, as by the kubelet.
func (o podObjects) PullCredentials(ctx context.Context, repository name.Repository) []authn.AuthConfig {
	var secrets []corev1.Secret
	var missing []string
	for _, ref := range o.pod.Spec.ImagePullSecrets {
		secret, err := o.node.Objects.Secret(ctx, o.pod.Namespace, ref.Name)
		if err != nil {
			o.node.Log.Warn("reading an image pull secret", "namespace", o.pod.Namespace, "secret", ref.Name, "error", err)
			missing = append(missing, ref.Name)
			continue
		}
		secrets = append(secrets, *secret)
	}
	credentials, err := imagepull.Match(secrets, repository)
	if err != nil {
		o.node.Log.Warn("reading image pull secrets", "namespace", o.pod.Namespace, "pod", o.pod.Name, "error", err)
		o.node.event(o.pod, "", corev1.EventTypeWarning, eventPullSecret, fmt.Sprintf("Unable to use some image pull secrets: %v", err))
	}
	if len(missing) > 0 {
		o.node.event(o.pod, "", corev1.EventTypeWarning, eventPullSecret, fmt.Sprintf(
			"Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", strings.Join(missing, ", ")))
	}
	return credentials
}
