package lifecycle

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// runner runs one container of a Pod, over all its restarts.
type runner struct {
	worker *Worker
	name   string
	role   role
	// stop is when the container must be gone for good, once that is wanted.
	stop *deadline
	// again asks for the container to be ended and started anew, for the reason given.
	again chan string
	// retry wakes a runner that waits for what its container needs.
	retry chan struct{}
	// started is closed when the container is up for the first time, and finished when it won't be started again.
	started, finished chan struct{}

	mu      sync.Mutex
	state   podstatus.Container
	current *run // nil while the container isn't running
	attempt int32
	kept    []string // log files, the newest last
}

// run is one run of a container.
type run struct {
	process *container.Process
	spec    container.Spec
	output  *output
	input   *input
	tty     bool
}

func newRunner(w *Worker, name string, as role, stop *deadline) *runner {
	r := &runner{
		worker: w, name: name, role: as, stop: stop, again: make(chan string, 1), retry: make(chan struct{}, 1),
		started: make(chan struct{}), finished: make(chan struct{}),
	}
	r.state.State.Waiting = &corev1.ContainerStateWaiting{Reason: podstatus.ReasonCreating}
	if prior := priorStatus(w.prior, name); prior != nil {
		r.attempt = prior.RestartCount + 1
		r.state.Restarts = r.attempt
		r.state.Last = lastOf(prior)
	}
	return r
}

// priorStatus is what the API knows of a container that another agent has run before; nil if none has.
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

// lastOf is how a container ended that another agent has run: with that agent, if nobody saw it end before.
func lastOf(prior *corev1.ContainerStatus) corev1.ContainerState {
	switch {
	case prior.State.Terminated != nil:
		return prior.State
	case prior.State.Running != nil:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: killedExitCode, Reason: "ContainerStatusUnknown", ContainerID: prior.ContainerID,
			Message: "The container ended with the node agent that ran it", StartedAt: prior.State.Running.StartedAt,
		}}
	}
	return prior.LastTerminationState
}

const killedExitCode = 137

// loop starts the container again as often as its policy wants.
func (r *runner) loop() {
	defer close(r.finished)
	var wait backOff
	for {
		ended, ok := r.once()
		if !ok || r.stop.isSet() || !shouldRestart(r.worker.Pod(), r.spec(), r.role, ended.ExitCode) {
			return
		}
		delay := wait.next(ended.FinishedAt.Sub(ended.StartedAt.Time))
		if delay > 0 && !r.backOff(delay, ended) {
			return
		}
		r.attempt++
	}
}

// backOff waits before a restart and is false if the container is to stop instead.
func (r *runner) backOff(delay time.Duration, ended corev1.ContainerStateTerminated) bool {
	pod := r.worker.Pod()
	id := fmt.Sprintf("%s_%s(%s)", pod.Name, pod.Namespace, pod.UID)
	r.event(corev1.EventTypeWarning, eventBackOff, "Back-off restarting failed container %s in pod %s", r.name, id)
	r.update(func(c *podstatus.Container) {
		c.Last = corev1.ContainerState{Terminated: &ended}
		c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason:  "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", delay, r.name, id),
		}}
	})
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.stop.set:
		return false
	}
}

// spec is what the Pod says about the container at the moment: its image may change.
func (r *runner) spec() *corev1.Container {
	pod := r.worker.Pod()
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

// restart ends the container for it to be started again.
func (r *runner) restart(reason string) {
	select {
	case r.again <- reason:
	default: // that is going to happen already
	}
}

func (r *runner) snapshot() podstatus.Container {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *runner) update(change func(*podstatus.Container)) {
	r.mu.Lock()
	change(&r.state)
	r.mu.Unlock()
	r.worker.changed()
}

func (r *runner) waiting(reason, message string) {
	r.update(func(c *podstatus.Container) {
		if c.State.Terminated != nil {
			c.Last = c.State
		}
		c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	})
}

// up marks the container as started.
func (r *runner) up() {
	r.update(func(c *podstatus.Container) { c.Started = true })
	select {
	case <-r.started:
	default:
		close(r.started)
	}
}

// waitStarted waits until the container is up once, and is false if it never will be.
func (r *runner) waitStarted(stop *deadline) bool {
	select {
	case <-r.started:
		return true
	case <-r.finished:
		return false
	case <-stop.set:
		return false
	}
}

// waitSucceeded waits for the end, and is false if the container failed for good or was stopped.
func (r *runner) waitSucceeded() bool {
	<-r.finished
	ended := r.snapshot().State.Terminated
	return ended != nil && ended.ExitCode == 0
}

// dir is where this attempt keeps its files.
func (r *runner) dir() string {
	return filepath.Join(r.worker.dir, "containers", r.name, strconv.Itoa(int(r.attempt)))
}

// LogFolder is the folder of a Pod's logs below a node's, named as the kubelet names it. Each container has a folder in
// it, with a file N.log for each restart.
func LogFolder(pod *corev1.Pod) string {
	return pod.Namespace + "_" + pod.Name + "_" + string(pod.UID)
}

func (r *runner) logPath(attempt int32) string {
	return filepath.Join(r.worker.node.LogDir, LogFolder(r.worker.Pod()), r.name, strconv.Itoa(int(attempt))+".log")
}

// ended makes the state of a container that has stopped.
func (r *runner) ended(reason, message string, exit container.Exit) corev1.ContainerStateTerminated {
	return corev1.ContainerStateTerminated{
		ExitCode: int32(exit.Code), Signal: int32(exit.Signal), Reason: reason, Message: message,
		StartedAt: metav1.NewTime(exit.StartedAt), FinishedAt: metav1.NewTime(exit.EndedAt), ContainerID: r.snapshot().ID,
	}
}
