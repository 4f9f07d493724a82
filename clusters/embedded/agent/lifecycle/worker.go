//go:build linux

package lifecycle

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

// Worker runs one Pod.
type Worker struct {
	ctx        context.Context //nolint:containedctx // the agent's: a Worker is a long-running task of its own
	node       *Node
	state      *podState
	publisher  publisher
	resources  *resources
	containers *containers.Manager
	log        *slog.Logger

	// stop is when the Pod has to be gone, once that is decided.
	stop *deadline.Deadline
	// done is closed when nothing of the Pod is left but its logs.
	done chan struct{}
	// stale is readable if the objects that the Pod refers to may have changed.
	stale chan struct{}
	// lifetime is readable if the Pod's active deadline may have changed.
	lifetime chan struct{}
}

// Start starts to run a Pod. Each change of its status is reported with a copy of the Pod, until Done is closed. If ctx
// ends, so does the Pod, at once and without its object being deleted.
func Start(ctx context.Context, node *Node, pod *corev1.Pod, report Report) *Worker {
	log := node.Log.With("pod", pod.Namespace+"/"+pod.Name)
	dir := filepath.Join(node.PodDir, string(pod.UID))
	w := &Worker{
		ctx: ctx, node: node, state: newPodState(pod, node.HostIPs), log: log,
		stop: deadline.New(), done: make(chan struct{}), stale: make(chan struct{}, 1),
		lifetime: make(chan struct{}, 1),
	}
	w.publisher = publisher{w.state, report, log}
	images := node.Images.ForPod(log)
	w.resources = newResources(ctx, node, w.state, images, dir, log)
	w.containers = containers.NewManager(containers.Config{
		Dir: filepath.Join(dir, "containers"), LogDir: node.LogDir, LogLimits: node.LogLimits,
		Launcher: node.Launcher, Images: images, Logger: log, Prior: *pod.Status.DeepCopy(),
	}, containerPod{node, w.state, w.resources}, w.stop)
	go w.run()
	return w
}

// run is a Pod's life.
func (w *Worker) run() {
	defer close(w.done)
	quit, published := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(published)
		w.publisher.run(w.ctx, quit)
	}()
	stopWatching := context.AfterFunc(w.ctx, func() { w.Terminate(0) })
	defer stopWatching()

	watched := make(chan struct{})
	go func() {
		defer close(watched)
		w.watchActiveDeadline()
	}()

	wake(w.state.changed)
	held := apiobjects.References(w.Pod())
	w.node.Objects.Hold(w.ctx, held)
	if w.setUp() {
		ctx, cancel := context.WithCancel(w.ctx)
		refreshed := make(chan struct{})
		go func() {
			defer close(refreshed)
			w.resources.keepFresh(ctx, w.stale, w.containers.Wake)
		}()
		w.containers.Run(w.ctx)
		cancel()
		<-refreshed
	}
	w.Terminate(0) // what watches for the Pod's end returns
	<-watched
	w.resources.tearDown(w.ctx)
	w.node.Objects.Release(held)
	w.state.Apply(podstatus.Ended{})
	close(quit)
	<-published
}

// setUp creates what the containers share. It returns false if the Pod is to end before that.
func (w *Worker) setUp() bool {
	if err := w.resources.makeDir(); err != nil {
		w.fail("NodeError", err.Error())
		return false
	}
	return w.resources.setUp(w.ctx, w.stop, w.stale)
}

// fail ends the Pod because of an error that it can't recover from.
func (w *Worker) fail(reason, message string) {
	w.state.Apply(podstatus.Failed{Reason: reason, Message: message})
	w.Terminate(containers.GracePeriod(w.Pod()))
}

// watchActiveDeadline fails the Pod when its activeDeadlineSeconds, counted from its start, are over. They may be set or
// shortened while it runs. It returns when the Pod is to end.
func (w *Worker) watchActiveDeadline() {
	for {
		var passed <-chan time.Time
		if state := w.state.get(); state.Pod.Spec.ActiveDeadlineSeconds != nil {
			seconds := time.Duration(*state.Pod.Spec.ActiveDeadlineSeconds) * time.Second
			passed = time.After(time.Until(state.Started.Add(seconds)))
		}
		select {
		case <-passed:
			if w.stop.IsSet() {
				return
			}
			const reason, message = "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
			w.node.Event(w.Pod(), corev1.EventTypeNormal, reason, message)
			w.fail(reason, message)
			return
		case <-w.lifetime:
		case <-w.stop.Set():
			return
		}
	}
}

// Done is closed when the Pod has ended and is cleaned up.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Pod is the Pod as last seen in the API, to be read only.
func (w *Worker) Pod() *corev1.Pod { return w.state.get().Pod }

// Status is the status as last computed.
func (w *Worker) Status() corev1.PodStatus {
	status := w.state.get().Previous
	return *status.DeepCopy()
}

// Update takes a new version of the Pod from the API. What may change while it runs are its labels and annotations, its
// images and ephemeral containers, its active deadline, and the conditions that others set.
func (w *Worker) Update(pod *corev1.Pod) {
	old := w.state.update(pod)
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if before := podspec.FindContainer(old, c.Name); before != nil && before.Image != c.Image {
			w.containers.ImageChanged(c.Name)
		}
	}
	w.containers.StartEphemeral(w.ctx)
	if !ptr.Equal(old.Spec.ActiveDeadlineSeconds, pod.Spec.ActiveDeadlineSeconds) {
		wake(w.lifetime)
	}
	if !maps.Equal(old.Labels, pod.Labels) || !maps.Equal(old.Annotations, pod.Annotations) {
		w.Refresh()
	}
	if old.Generation != pod.Generation || len(pod.Spec.ReadinessGates) > 0 && !reflect.DeepEqual(old.Status.Conditions, pod.Status.Conditions) {
		wake(w.state.changed)
	}
}

// Refresh writes volumes again if the objects that they come from have changed.
func (w *Worker) Refresh() { wake(w.stale) }

// Terminate ends the Pod within a grace period. Another call can only make it end sooner.
func (w *Worker) Terminate(grace time.Duration) { w.stop.Advance(time.Now().Add(grace)) }

// Exec runs a command in a container; see containers.Manager.
func (w *Worker) Exec(ctx context.Context, container string, command []string, s containers.Streams) error {
	return w.containers.Exec(ctx, container, command, s)
}

// Attach connects to a container's own streams; see containers.Manager.
func (w *Worker) Attach(ctx context.Context, container string, s containers.Streams) error {
	return w.containers.Attach(ctx, container, s)
}

// Log finds the log of a container; see containers.Manager.
func (w *Worker) Log(container string, previous bool) (containers.Log, error) {
	return w.containers.Log(container, previous)
}

// Running returns the containers that run.
func (w *Worker) Running() []containers.Running { return w.containers.Running() }

// PortForward copies between a connection and a port on the Pod's loopback interface.
func (w *Worker) PortForward(ctx context.Context, port int32, with io.ReadWriteCloser) error {
	return w.resources.portForward(ctx, port, with)
}
