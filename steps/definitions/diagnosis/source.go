// Package diagnosis defines the steps about what the ingress controller reports of itself: its log, its routing table,
// and events. It also attaches that after a failure.
package diagnosis

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/steps/subject"
)

// Source is where logs, routing table and events come from.
type Source struct {
	Controller interface {
		Installation() (subject.Installation, error)
		Pod(ctx context.Context) (corev1.Pod, error)
	}
	// Cluster reads from the controller's Pod and the events of a namespace; an *objects.API is one.
	Cluster interface {
		Log(ctx context.Context, namespace, pod string, tail int64) (string, error)
		Exec(ctx context.Context, namespace, pod string, command ...string) (string, error)
		Events(ctx context.Context, namespace string) (string, error)
	}
}

// routingTable returns the controller's own rendering of the routes that it serves. The error wraps
// subject.ErrTestbedOnly if the controller has no command for that.
func (s Source) routingTable(ctx context.Context) (string, error) {
	installation, err := s.Controller.Installation()
	if err != nil {
		return "", err
	}
	if installation.Dump == nil {
		return "", fmt.Errorf("the controller has no command that prints its routing table: %w", subject.ErrTestbedOnly)
	}
	pod, err := s.Controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	return s.Cluster.Exec(ctx, pod.Namespace, pod.Name, installation.Dump...)
}

// controllerLog returns the last lines of the log of the controller's Pod, or all of it if lines is 0.
func (s Source) controllerLog(ctx context.Context, lines int64) (string, error) {
	pod, err := s.Controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	return s.Cluster.Log(ctx, pod.Namespace, pod.Name, lines)
}
