//go:build linux

// Package lifecycle takes a Pod from its binding to a node to its end. A Worker runs one Pod: resources are what its
// containers share (volumes, sandbox, files), package containers runs the containers, package podstatus holds the state
// and computes the status, and a publisher reports it.
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
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

// Node is what all Pods of a node use.
type Node struct {
	Name        string
	HostIPs     []netip.Addr
	Allocatable corev1.ResourceList
	DNS         DNS
	// PodDir holds a folder for each running Pod, and LogDir one for the logs of each Pod.
	PodDir, LogDir string
	LogLimits      crilog.Limits
	Launcher       *container.Launcher
	Images         imagepull.Node
	Sandboxes      *sandbox.Maker
	Objects        *apiobjects.Watcher
	Services       corev1listers.ServiceLister
	Client         kubernetes.Interface
	Events         record.EventRecorder
	Log            *slog.Logger
}

// podObjects gets the objects and images that a Pod refers to, until ctx ends.
type podObjects struct {
	ctx    context.Context //nolint:containedctx // of the calls that it is passed to
	node   *Node
	pod    *corev1.Pod
	images *imagepull.Pod
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

func (o podObjects) TrustAnchors(ctx context.Context, p *corev1.ClusterTrustBundleProjection) ([]byte, error) {
	return apiobjects.TrustAnchors(ctx, o.node.Client, p)
}

func (o podObjects) RequestCertificate(ctx context.Context, p *corev1.PodCertificateProjection) ([]byte, string, error) {
	return apiobjects.RequestCertificate(ctx, o.node.Client, o.pod, p)
}

func (o podObjects) IssuedCertificate(ctx context.Context, request string) ([]byte, time.Time, error) {
	return apiobjects.IssuedCertificate(ctx, o.node.Client, o.pod.Namespace, request)
}

// Reasons of events, as the kubelet's.
const (
	eventFailedMount = "FailedMount"
	eventSandbox     = "FailedCreatePodSandBox"
	eventKillPod     = "FailedKillPod"
	eventPullSecret  = "FailedToRetrieveImagePullSecret"
)

// Event records an event about a Pod.
func (n *Node) Event(pod *corev1.Pod, kind, reason, message string) {
	n.event(pod, "", kind, reason, message)
}

// event records an event about a Pod, or about the part of it at a field path.
func (n *Node) event(pod *corev1.Pod, fieldPath, kind, reason, message string) {
	reference := &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: fieldPath,
	}
	n.Events.Event(reference, kind, reason, message)
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
