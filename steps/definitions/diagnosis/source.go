// Package diagnosis defines the steps about the ingress controller's log, its routing table and its events, and attaches
// these after a failure.
package diagnosis

import (
	"context"
	"fmt"
	"strings"
	"time"

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
		LogSince(ctx context.Context, namespace, pod string, since time.Time, tail int64) (string, error)
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

// clockSkew is how much the clock of a node may be behind.
const clockSkew = 2 * time.Second

// scenarioLog returns the lines of the controller's log since a time, at most so many. Those that name the namespace come first, since
// they are about the scenario's objects.
func (s Source) scenarioLog(ctx context.Context, since time.Time, namespace string, lines int64) (string, error) {
	pod, err := s.Controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	log, err := s.Cluster.LogSince(ctx, pod.Namespace, pod.Name, since.Add(-clockSkew), lines)
	if err != nil {
		return "", err
	}
	return sorted(log, namespace), nil
}

// sorted puts the lines that name a namespace before the others.
func sorted(log, namespace string) string {
	var about, others strings.Builder
	for line := range strings.Lines(log) {
		if namespace != "" && strings.Contains(line, namespace) {
			about.WriteString(line)
		} else {
			others.WriteString(line)
		}
	}
	if about.Len() == 0 || others.Len() == 0 {
		return log
	}
	return fmt.Sprintf("About namespace %s:\n%s\nOthers:\n%s", namespace, about.String(), others.String())
}
