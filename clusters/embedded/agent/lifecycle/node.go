// Package lifecycle takes a Pod from its binding to a node to its end: sandbox, volumes, init containers, containers
// with probes, hooks and restarts, and graceful termination. There is a Worker for each Pod, and in it a runner for each
// container; package podstatus says what to report of them.
package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// Node is what the Pods of one node have in common.
type Node struct {
	Name        string
	HostIPs     []netip.Addr
	Allocatable corev1.ResourceList
	DNS         DNS
	// PodDir holds a folder for each running Pod, and LogDir one for the logs of each Pod.
	PodDir, LogDir string
	LogLimits      crilog.Limits
	Launcher       *container.Launcher
	Images         *image.Store
	Sandboxes      *sandbox.Maker
	Objects        *apiobjects.Watcher
	Services       corev1listers.ServiceLister
	Client         kubernetes.Interface
	Events         record.EventRecorder
	Log            *slog.Logger
}

// podObjects looks up objects for one Pod, and gives up when the Pod does.
type podObjects struct {
	ctx  context.Context //nolint:containedctx // it lives for one call of the functions it is handed to
	node *Node
	pod  *corev1.Pod
}

func (o podObjects) ConfigMap(name string) (*corev1.ConfigMap, error) {
	return o.node.Objects.ConfigMap(o.ctx, o.pod.Namespace, name)
}

func (o podObjects) Secret(name string) (*corev1.Secret, error) {
	return o.node.Objects.Secret(o.ctx, o.pod.Namespace, name)
}

func (o podObjects) Token(ctx context.Context, audience string, seconds int64) (string, time.Time, error) {
	return apiobjects.RequestToken(ctx, o.node.Client, o.pod, audience, seconds)
}

func (o podObjects) ImageRootFS(imageName string) (string, error) {
	img, err := o.node.Images.Get(imageName)
	return img.RootFS, err
}

// services are those whose addresses Pods of a namespace may find in their environment.
func (n *Node) services(namespace string) ([]*corev1.Service, error) {
	services, err := n.Services.Services(namespace).List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	if namespace == metav1.NamespaceDefault {
		return services, nil
	}
	apiServer, err := n.Services.Services(metav1.NamespaceDefault).Get("kubernetes")
	if apierrors.IsNotFound(err) {
		return services, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server's service: %w", err)
	}
	return append(services, apiServer), nil
}
