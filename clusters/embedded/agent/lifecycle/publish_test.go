//go:build linux

package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

func TestPublisherRetriesAndReportsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}}}}
		state := newPodState(pod, nil)
		failures := 3
		var phases []corev1.PodPhase
		report := func(_ context.Context, pod *corev1.Pod) error {
			if failures > 0 {
				failures--
				return errors.New("the API server is down")
			}
			phases = append(phases, pod.Status.Phase)
			return nil
		}
		quit, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			publisher{state, report, slog.New(slog.DiscardHandler)}.run(t.Context(), quit)
		}()
		state.Apply(podstatus.SandboxCreated{})
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(phases) != 1 || phases[0] != corev1.PodPending {
			t.Fatalf("reported %v, want Pending after %d failures", phases, 3)
		}
		failures = 2
		state.Apply(podstatus.Ended{})
		close(quit)
		<-done
		if last := phases[len(phases)-1]; last != corev1.PodFailed {
			t.Errorf("the final status is %s", last)
		}
	})
}

func TestPublisherEndsWithTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := newPodState(&corev1.Pod{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		report := func(context.Context, *corev1.Pod) error { return errors.New("the API server is down") }
		quit, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			publisher{state, report, slog.New(slog.DiscardHandler)}.run(ctx, quit)
		}()
		state.Apply(podstatus.Ended{})
		time.Sleep(time.Second)
		cancel()
		close(quit)
		<-done
	})
}
