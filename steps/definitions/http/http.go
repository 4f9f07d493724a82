// Package http defines the steps that make requests and judge the responses.
package http

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// Pods finds the Pods that answer requests; an *objects.API is one.
type Pods interface {
	// PodsOf lists the ready Pods of a Deployment, or the Pod of that name.
	PodsOf(ctx context.Context, namespace, name string) ([]corev1.Pod, error)
	// GetFromPod makes a GET request to a Pod through the proxy of the API server and returns the body.
	GetFromPod(ctx context.Context, namespace, name string, port int, path string) (string, error)
}

// Definitions returns the steps.
func Definitions(dialer Dialer, pods Pods) []vocabulary.Definition {
	return slices.Concat(
		requests{dialer}.definitions(), downloads(), responseDefinitions(), echoes{pods}.definitions(), distribution{pods}.definitions())
}
