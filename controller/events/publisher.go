// Package events publishes the problems of Ingresses as Kubernetes Events.
package events

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

// Publisher publishes an Event for each Problem when it appears, also if it appears again. It publishes none for Notices,
// because every roll-out has some.
type Publisher struct {
	recorder record.EventRecorder
	changed  chan struct{}

	mu       sync.Mutex
	problems []problem.Problem
}

// NewPublisher makes a Publisher.
func NewPublisher(recorder record.EventRecorder) *Publisher {
	return &Publisher{recorder: recorder, changed: make(chan struct{}, 1)}
}

// Observe implements controller.Observer.
func (p *Publisher) Observe(outcome controller.Outcome) {
	p.mu.Lock()
	p.problems = outcome.Problems
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run publishes until ctx is done. Only one replica may do so at a time, or each Event is published several times.
func (p *Publisher) Run(ctx context.Context) {
	published := map[problem.Problem]bool{}
	for {
		published = p.publish(published)
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		}
	}
}

func (p *Publisher) publish(published map[problem.Problem]bool) map[problem.Problem]bool {
	p.mu.Lock()
	problems := p.problems
	p.mu.Unlock()
	now := make(map[problem.Problem]bool, len(problems))
	for _, found := range problems {
		now[found] = true
		if found.Severity > problem.Notice && !published[found] {
			about := reference(found.Object)
			p.recorder.Event(about, corev1.EventTypeWarning, string(found.Reason), found.Message)
		}
	}
	return now
}

func reference(object problem.Object) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: object.APIVersion,
		Kind:       object.Kind,
		Namespace:  object.Namespace,
		Name:       object.Name,
		UID:        object.UID,
	}
}
