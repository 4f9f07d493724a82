// Package events publishes the problems of Ingresses as Kubernetes Events.
package events

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/translate"
)

// Publisher makes an Event of each Problem when it comes up, and again when it comes back. Notices make none, since
// every roll-out has some.
type Publisher struct {
	recorder record.EventRecorder
	changed  chan struct{}

	mu       sync.Mutex
	problems []translate.Problem
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

// Run publishes until ctx is done. Only one controller may do so at a time, or each Event is there several times.
func (p *Publisher) Run(ctx context.Context) {
	told := map[translate.Problem]bool{}
	for {
		told = p.publish(told)
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		}
	}
}

func (p *Publisher) publish(told map[translate.Problem]bool) map[translate.Problem]bool {
	p.mu.Lock()
	problems := p.problems
	p.mu.Unlock()
	now := make(map[translate.Problem]bool, len(problems))
	for _, problem := range problems {
		now[problem] = true
		if problem.Severity > translate.Notice && !told[problem] {
			about := reference(problem.Object)
			p.recorder.Event(about, corev1.EventTypeWarning, string(problem.Reason), problem.Message)
		}
	}
	return now
}

func reference(object translate.Object) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: object.APIVersion,
		Kind:       object.Kind,
		Namespace:  object.Namespace,
		Name:       object.Name,
		UID:        object.UID,
	}
}
