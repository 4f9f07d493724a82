// Package kubernetes defines the steps about the cluster and its objects: nodes, the ingress controller's deployment,
// manifests, kubectl, Services and roles.
package kubernetes

import (
	"context"
	"io/fs"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/backends"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// Dependencies are what the steps use.
type Dependencies struct {
	Objects      *objects.API
	Nodes        nodes.List
	Kubectl      kubectl.Program
	Controller   Controller
	Readiness    Readiness
	Placeholders Placeholders
	// LoadBalancers is nil if the cluster has no load balancers that pass requests on unchanged.
	LoadBalancers clusters.LoadBalancers
	// Cables is nil if the nodes can't be disconnected.
	Cables   Cables
	Backends Backends
	// Features contains the manifests that feature files refer to.
	Features fs.FS
}

// Controller is the ingress controller under test.
type Controller interface {
	Ensure(ctx context.Context, settings map[string]string) (client.Entry, error)
	Helm(ctx context.Context, command helm.Command) (output string, entry client.Entry, err error)
	Pod(ctx context.Context) (corev1.Pod, error)
	Recheck()
}

// Cables connect the nodes; see clusters.Disruptor.
type Cables interface {
	Disconnect(ctx context.Context, node string) (reconnect func(context.Context) error, err error)
}

// Readiness waits until the ingress controller serves Ingresses.
type Readiness interface {
	SetDeployed(settings map[string]string, entry client.Entry)
	Wait(ctx context.Context, ingresses []*unstructured.Unstructured) (note string, err error)
}

// Backends are servers that scenarios share.
type Backends interface {
	Backend(ctx context.Context, kind backends.Kind, service string, pods int) (backends.Backend, error)
}

// Placeholders replaces the placeholders of feature files.
type Placeholders interface {
	Expand(ctx context.Context, text string) (string, error)
	Value(ctx context.Context, name string) (string, error)
}

// Definitions returns the steps.
func Definitions(d Dependencies) []vocabulary.Definition {
	return slices.Concat(
		clusterSteps{d.Objects, d.Nodes, d.Placeholders}.definitions(),
		controllerSteps{d.Controller, d.Readiness}.definitions(),
		applySteps{d.Objects, d.Readiness, d.Placeholders, d.Features}.definitions(),
		kubectlSteps{d.Kubectl}.definitions(),
		helmSteps{d.Controller, d.Readiness, d.Features}.definitions(),
		serviceSteps{d.Objects}.definitions(),
		networkSteps{d.Objects, d.LoadBalancers, d.Cables}.definitions(),
		backendSteps{d.Backends}.definitions(),
		changeSteps{d.Objects, d.Controller}.definitions(),
		endpointSteps{d.Objects}.definitions(),
		manySteps{d.Objects, d.Placeholders}.definitions(),
	)
}
