//go:build linux

package containers

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

// runner runs one container over all its restarts.
type runner struct {
	manager *Manager
	name    string
	role    role
	// stop is when the container must be gone for good, once that is decided.
	stop *deadline.Deadline
	// restarts has the order to restart the container, if there is one.
	restarts chan restart
	// retry wakes a runner that waits for what its container needs.
	retry chan struct{}
	// tried is closed when the container runs for the first time, or could not be started; started when it is up for the
	// first time; and finished when it won't be started again.
	tried, started, finished chan struct{}
	logs                     logFiles

	mu  sync.Mutex
	run *containerRun // nil while the container isn't running
}

func newRunner(m *Manager, name string, as role, stop *deadline.Deadline) *runner {
	m.pod.Apply(podstatus.Added{Container: name, Prior: priorStatus(m.config.Prior, name)})
	return &runner{
		manager: m, name: name, role: as, stop: stop, restarts: make(chan restart, 1), retry: make(chan struct{}, 1),
		tried: make(chan struct{}), started: make(chan struct{}), finished: make(chan struct{}),
	}
}

// priorStatus is the status of a container that an earlier agent ran; nil if none has.
func priorStatus(status corev1.PodStatus, name string) *corev1.ContainerStatus {
	for _, list := range [][]corev1.ContainerStatus{status.ContainerStatuses, status.InitContainerStatuses} {
		for i := range list {
			if list[i].Name == name && list[i].ContainerID != "" {
				return &list[i]
			}
		}
	}
	return nil
}

// loop makes one attempt after another, as the restart policy says.
func (r *runner) loop(ctx context.Context) {
	defer close(r.finished)
	defer r.manager.pod.Apply(podstatus.Finished{Container: r.name})
	var wait backOff
	image := r.definition().Image
	for number := r.manager.pod.Container(r.name).Restarts; ; number++ {
		ended, started := r.newAttempt(number).do(ctx)
		if !started || !r.startsAgain(ended.ExitCode) {
			return
		}
		if now := r.definition().Image; now != image {
			image, wait = now, backOff{} // what failed is not what is going to be started
		}
		delay := wait.next(ended.FinishedAt.Sub(ended.StartedAt.Time))
		if delay > 0 && !r.backOff(delay, ended) {
			return
		}
	}
}

// startsAgain reports whether the container is to be started again after it ended with an exit code.
func (r *runner) startsAgain(code int32) bool {
	return !r.stop.IsSet() && shouldRestart(r.manager.pod.Object(), r.definition(), r.role, code)
}

func (r *runner) newAttempt(number int32) *attempt {
	return &attempt{
		runner: r, number: number,
		dir: filepath.Join(r.manager.config.Dir, r.name, strconv.Itoa(int(number))),
	}
}

// backOff waits before a restart, until the image changes at most. It returns false if the container is to stop instead.
func (r *runner) backOff(delay time.Duration, ended corev1.ContainerStateTerminated) bool {
	pod := r.manager.pod.Object()
	id := fmt.Sprintf("%s_%s(%s)", pod.Name, pod.Namespace, pod.UID)
	r.event(corev1.EventTypeWarning, eventBackOff, "Back-off restarting failed container %s in pod %s", r.name, id)
	r.manager.pod.Apply(podstatus.BackedOff{
		Container: r.name, Last: ended,
		Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", delay, r.name, id),
	})
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case order := <-r.restarts:
			if order.image != "" {
				return true
			}
		case <-r.stop.Set():
			return false
		}
	}
}

// definition is that in the Pod at present: its image may change.
func (r *runner) definition() *corev1.Container {
	pod := r.manager.pod.Object()
	if c := podspec.FindContainer(pod, r.name); c != nil {
		return c
	}
	for i := range pod.Spec.EphemeralContainers {
		if e := &pod.Spec.EphemeralContainers[i]; e.Name == r.name {
			return (*corev1.Container)(&e.EphemeralContainerCommon)
		}
	}
	return &corev1.Container{Name: r.name}
}

// restart is an order to end a container so that it is started again.
type restart struct {
	reason string
	// image that the container has to run then, if that is the reason. It does not apply to a run of that image.
	image string
	// probe that failed, if that is the reason.
	probe *corev1.Probe
}

// restart ends the container so that it is started again.
func (r *runner) restart(order restart) {
	select {
	case r.restarts <- order:
	default: // it is going to be restarted already
	}
}

// closeOnce closes a channel that only the caller's goroutine closes, unless it is closed.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// waitTried waits until the container's first start has succeeded, with its postStart hook, or failed.
func (r *runner) waitTried(stop *deadline.Deadline) {
	select {
	case <-r.tried:
	case <-r.finished:
	case <-stop.Set():
	}
}

// waitStarted waits until the container has been up once. It returns false if it never will be.
func (r *runner) waitStarted(stop *deadline.Deadline) bool {
	select {
	case <-r.started:
		return true
	case <-r.finished:
		return false
	case <-stop.Set():
		return false
	}
}

// waitSucceeded waits for the end. It returns false if the container failed for good or was stopped.
func (r *runner) waitSucceeded() bool {
	<-r.finished
	ended := r.manager.pod.Container(r.name).State.Terminated
	return ended != nil && ended.ExitCode == 0
}

// current is the run of the container now; nil if it isn't running.
func (r *runner) current() *containerRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.run
}

func (r *runner) setCurrent(run *containerRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run = run
}

// event records an event about the container.
func (r *runner) event(kind, reason, format string, args ...any) {
	list := "containers"
	switch r.role {
	case roleInit, roleSidecar:
		list = "initContainers"
	case roleEphemeral:
		list = "ephemeralContainers"
	}
	r.manager.pod.Event("spec."+list+"{"+r.name+"}", kind, reason, fmt.Sprintf(format, args...))
}

// Reasons of events, as the kubelet's.
const (
	eventCreated      = "Created"
	eventStarted      = "Started"
	eventFailed       = "Failed"
	eventKilling      = "Killing"
	eventBackOff      = "BackOff"
	eventUnhealthy    = "Unhealthy"
	eventProbeWarning = "ProbeWarning"
	eventPostStart    = "FailedPostStartHook"
	eventPreStop      = "FailedPreStopHook"
	eventHTTPFallback = "LifecycleHTTPFallback"
)

// logPath is the log file of an attempt.
func (r *runner) logPath(number int32) string {
	return filepath.Join(r.manager.config.LogDir, LogFolder(r.manager.pod.Object()), r.name, strconv.Itoa(int(number))+".log")
}

// LogFolder is the folder of a Pod's logs below a node's, named as the kubelet names it. Each container has a folder in
// it, with a file N.log for each restart.
func LogFolder(pod *corev1.Pod) string {
	return pod.Namespace + "_" + pod.Name + "_" + string(pod.UID)
}
