//go:build linux && privileged

package lifecycle

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
)

// awaitEvent waits for an event whose text contains all of the parts.
func (w *world) awaitEvent(parts ...string) {
	w.t.Helper()
	limit := time.After(20 * time.Second)
	var seen []string
next:
	for {
		select {
		case event := <-w.events.Events:
			seen = append(seen, event)
			for _, part := range parts {
				if !strings.Contains(event, part) {
					continue next
				}
			}
			return
		case <-limit:
			w.t.Fatalf("no event with %q; events: %q", parts, seen)
		}
	}
}

func running(restarts int32) func(corev1.PodStatus) bool {
	return func(s corev1.PodStatus) bool {
		return len(s.ContainerStatuses) > 0 && s.ContainerStatuses[0].State.Running != nil && s.ContainerStatuses[0].RestartCount == restarts
	}
}

func TestDeadlineOfARunningPod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pod := newPod(corev1.RestartPolicyNever, script("c", "exec sleep 60"))
	pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](0)
	worker := w.start(pod)
	w.until("running", running(0))
	limited := pod.DeepCopy()
	limited.Spec.ActiveDeadlineSeconds = ptr.To[int64](1)
	worker.Update(limited)
	if s := w.until("failed", phase(corev1.PodFailed)); s.Reason != "DeadlineExceeded" {
		t.Errorf("reason %q", s.Reason)
	}
	w.awaitEvent("DeadlineExceeded")
}

// A container that crashes is started at once, not after its back-off, when it gets another image.
func TestANewImageEndsTheBackOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := script("c", "exit 3")
	pod := newPod(corev1.RestartPolicyAlways, c)
	worker := w.start(pod)
	w.until("backing off", func(s corev1.PodStatus) bool {
		return len(s.ContainerStatuses) == 1 && s.ContainerStatuses[0].State.Waiting != nil && s.ContainerStatuses[0].State.Waiting.Reason == "CrashLoopBackOff"
	})
	changed := pod.DeepCopy()
	changed.Spec.Containers[0].Image = "docker.io/nginx:none"
	worker.Update(changed)
	began := time.Now()
	w.until("waiting for the new image", func(s corev1.PodStatus) bool {
		waiting := s.ContainerStatuses[0].State.Waiting
		return waiting != nil && waiting.Reason != "CrashLoopBackOff" && strings.Contains(waiting.Message, "nginx")
	})
	// The back-off is 10 s.
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it was started after %s", took)
	}
	// What comes up with the image that it waited for is not restarted because of it.
	changed = pod.DeepCopy()
	changed.Spec.Containers[0].Image, changed.Spec.Containers[0].Command = "testbed.local/tools:dev", []string{"sleep", "60"}
	worker.Update(changed)
	w.until("running", running(2))
}

func TestTheFailedProbesGracePeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := script("c", "trap '' TERM; while :; do sleep 0.02; done")
	failing := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}}
	c.StartupProbe = &corev1.Probe{ProbeHandler: failing, PeriodSeconds: 1, FailureThreshold: 1, TerminationGracePeriodSeconds: ptr.To[int64](1)}
	c.LivenessProbe = &corev1.Probe{ProbeHandler: failing, TerminationGracePeriodSeconds: ptr.To[int64](300)}
	pod := newPod(corev1.RestartPolicyAlways, c)
	pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](300)
	w.start(pod)
	w.until("restarted", running(1))
}

// The end of a client's input ends the connection, not the container, if its input stays open.
func TestAttachEndsWithItsInput(t *testing.T) {
	w := newWorld(t)
	c := script("c", "cat")
	c.Stdin = true
	worker := w.start(newPod(corev1.RestartPolicyNever, c))
	w.until("running", running(0))
	for _, text := range []string{"one\n", "two\n"} {
		ended := make(chan error, 1)
		var out bytes.Buffer
		go func() {
			ended <- worker.Attach(context.Background(), "c", containers.Streams{In: strings.NewReader(text), Out: &out})
		}()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("attach did not end")
		}
	}
	await(t, "both inputs in the log", func() bool { return w.log(worker, "c") == "one\ntwo\n" })
	if s := worker.Status(); !running(0)(s) {
		t.Errorf("the container ended: %+v", s.ContainerStatuses)
	}
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestHTTPHooks(t *testing.T) {
	t.Parallel()
	requests := make(chan string, 10)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.URL.Path
		w.WriteHeader(http.StatusInternalServerError) // the kubelet ignores it
	})
	secure, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer secure.Close()
	defer plain.Close()
	hook := func(server *httptest.Server, path string) *corev1.LifecycleHandler {
		_, port, err := net.SplitHostPort(server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Scheme: corev1.URISchemeHTTPS, Path: path, Port: intstr.FromString(port)}}
	}
	w := newWorld(t)
	c := script("c", "exec sleep 60")
	c.Lifecycle = &corev1.Lifecycle{PostStart: hook(secure, "/started"), PreStop: hook(plain, "/stopping")}
	worker := w.start(newPod(corev1.RestartPolicyAlways, c))
	w.until("ready", ready)
	worker.Terminate(2 * time.Second)
	<-worker.Done()
	if first, second := <-requests, <-requests; first != "/started" || second != "/stopping" {
		t.Errorf("requests for %s and %s", first, second)
	}
	w.awaitEvent("LifecycleHTTPFallback")
}
