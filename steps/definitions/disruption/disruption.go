// Package disruption defines the steps that disturb machines, processes and the control plane. If a cluster can't do that, the
// scenario is skipped.
package disruption

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// Pods finds the Pods of Deployments.
type Pods interface {
	PodsOf(ctx context.Context, namespace, name string) ([]corev1.Pod, error)
}

// steps are the handlers. The disruptor is nil if the cluster's machines can't be disturbed.
type steps struct {
	disruptor clusters.Disruptor
	pods      Pods
}

// Definitions returns the steps. The disruptor is nil if the cluster's machines can't be disturbed.
func Definitions(disruptor clusters.Disruptor, pods Pods) []vocabulary.Definition {
	s := steps{disruptor, pods}
	return []vocabulary.Definition{
		{
			Pattern: `the node "([^"]*)" is cut off from the network`,
			Example: `the node "${worker 1}" is cut off from the network`,
			Handler: s.cutOff,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the network of the node "([^"]*)" loses (\d+(?:\.\d+)?) % of its packets`,
			Example: `the network of the node "${worker 1}" loses 5 % of its packets`,
			Handler: s.lose,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the network of the node "([^"]*)" delays packets by (\d+) ms, give or take (\d+) ms`,
			Example: `the network of the node "${worker 1}" delays packets by 50 ms, give or take 10 ms`,
			Handler: s.delay,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the processes of the node "([^"]*)" hang`,
			Example: `the processes of the node "${worker 1}" hang`,
			Handler: s.hangNode,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `a Pod of "([^"]*)" hangs`,
			Example: `a Pod of "shop" hangs`,
			Handler: s.hangPod,
		},
		{
			Pattern: `the API server is stopped`,
			Example: `the API server is stopped`,
			Handler: func(ctx context.Context) (context.Context, error) { return s.stop(ctx, clusters.APIServer) },
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `etcd is stopped`,
			Example: `etcd is stopped`,
			Handler: func(ctx context.Context) (context.Context, error) { return s.stop(ctx, clusters.Etcd) },
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the disruption ends`,
			Example: `the disruption ends`,
			Handler: ends,
		},
	}
}

// disruption is one that lasts until it is ended, once.
type disruption struct{ undo func(context.Context) error }

// disruptionKey is the context key of the last disruption.
type disruptionKey struct{}

func (d *disruption) end(ctx context.Context) error {
	undo := d.undo
	if undo == nil {
		return nil
	}
	d.undo = nil
	return undo(ctx)
}

// begin makes a disruption last until the step that ends it, or until the end of the scenario.
func begin(ctx context.Context, undo func(context.Context) error, err error) (context.Context, error) {
	if err != nil {
		return ctx, err
	}
	begun := &disruption{undo}
	world.From(ctx).AtEnd(begun.end)
	return context.WithValue(ctx, disruptionKey{}, begun), nil
}

// endTimeout bounds the wait until what was disturbed works again.
const endTimeout = 2 * time.Minute

func ends(ctx context.Context) error {
	last, _ := ctx.Value(disruptionKey{}).(*disruption)
	if last == nil || last.undo == nil {
		return errors.New("there is no disruption: an earlier step must begin one")
	}
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	return last.end(ctx)
}

// available is the error for a cluster whose machines can't be disturbed.
func (s steps) available() error {
	if s.disruptor == nil {
		return fmt.Errorf("the machines of this cluster can't be disturbed: %w", clusters.ErrUnsupported)
	}
	return nil
}

func (s steps) cutOff(ctx context.Context, node string) (context.Context, error) {
	if err := s.available(); err != nil {
		return ctx, err
	}
	undo, err := s.disruptor.Disconnect(ctx, node)
	return begin(ctx, undo, err)
}

func (s steps) impair(ctx context.Context, node string, impairment clusters.Impairment) (context.Context, error) {
	if err := s.available(); err != nil {
		return ctx, err
	}
	undo, err := s.disruptor.Impair(ctx, node, impairment)
	return begin(ctx, undo, err)
}

func (s steps) lose(ctx context.Context, node string, percent float64) (context.Context, error) {
	if percent > 100 {
		return ctx, fmt.Errorf("a network can't lose %g %% of its packets", percent)
	}
	return s.impair(ctx, node, clusters.Impairment{Loss: percent / 100})
}

func (s steps) delay(ctx context.Context, node string, milliseconds, jitter int) (context.Context, error) {
	return s.impair(ctx, node, clusters.Impairment{
		Delay: time.Duration(milliseconds) * time.Millisecond, Jitter: time.Duration(jitter) * time.Millisecond,
	})
}

func (s steps) hangNode(ctx context.Context, node string) (context.Context, error) {
	if err := s.available(); err != nil {
		return ctx, err
	}
	undo, err := s.disruptor.Suspend(ctx, clusters.Processes{Node: node})
	return begin(ctx, undo, err)
}

// hangPod stops the processes of the first ready Pod of a Deployment.
func (s steps) hangPod(ctx context.Context, deployment string) (context.Context, error) {
	if err := s.available(); err != nil {
		return ctx, err
	}
	namespace, name := world.From(ctx).Qualify(deployment)
	pods, err := s.pods.PodsOf(ctx, namespace, name)
	if err != nil {
		return ctx, err
	}
	undo, err := s.disruptor.Suspend(ctx, clusters.Processes{Namespace: pods[0].Namespace, Pod: pods[0].Name})
	return begin(ctx, undo, err)
}

func (s steps) stop(ctx context.Context, component clusters.Component) (context.Context, error) {
	if err := s.available(); err != nil {
		return ctx, err
	}
	undo, err := s.disruptor.Stop(ctx, component)
	return begin(ctx, undo, err)
}
