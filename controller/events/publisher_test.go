package events_test

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/tools/record"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/events"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

func invalidHost(message string) problem.Problem {
	return problem.Problem{
		Severity: problem.Error, Reason: problem.InvalidHost, Message: message,
		Object: problem.Object{Kind: "Ingress", Namespace: "default", Name: "x"},
	}
}

func TestEachProblemIsToldOnceUntilItComesBack(t *testing.T) {
	recorder := record.NewFakeRecorder(10)
	publisher := events.NewPublisher(recorder)
	observe := func(messages ...string) {
		var outcome controller.Outcome
		for _, message := range messages {
			outcome.Problems = append(outcome.Problems, invalidHost(message))
		}
		publisher.Observe(outcome)
	}
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-recorder.Events:
			if got != "Warning InvalidHost "+want {
				t.Errorf("event %q, want one of %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event of %q", want)
		}
	}
	passing := invalidHost("soon over")
	passing.Severity = problem.Notice
	publisher.Observe(controller.Outcome{Result: translate.Result{Problems: []problem.Problem{passing, invalidHost("one")}}}) // before this controller leads
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); publisher.Run(ctx) }()
	expect("one")
	observe("one", "two")
	expect("two")
	observe("two", "three")
	expect("three")
	observe("two", "one")
	expect("one")
	cancel()
	<-ended
	if left := len(recorder.Events); left > 0 {
		t.Errorf("%d more events: %q", left, <-recorder.Events)
	}
}
