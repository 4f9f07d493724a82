package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/volume"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// defaultGrace is how long a Pod gets to end when nothing says so.
const defaultGrace = 30 * time.Second

// Worker runs one Pod.
type Worker struct {
	node   *Node
	report func(*corev1.Pod)
	ctx    context.Context //nolint:containedctx // the agent's: a Worker is a long-running task of its own
	log    *slog.Logger
	dir    string

	// stop is when the Pod has to be gone, once somebody wants that.
	stop *deadline
	// done is closed when nothing of the Pod is left but its logs.
	done chan struct{}
	// dirty asks for the status to be reported, and stale for the volumes to be looked at again.
	dirty, stale chan struct{}

	mu       sync.Mutex
	pod      *corev1.Pod
	runners  map[string]*runner
	status   corev1.PodStatus
	started  time.Time
	failure  failure
	terminal bool

	// prior is the status at the start, which another agent may have reported.
	prior corev1.PodStatus

	// The rest belongs to the goroutine of run, apart from reading once it is set up.
	sandbox *sandbox.Sandbox
	volumes *volume.Set
	volMu   sync.Mutex
	holder  *container.Process // of the PID namespace that the containers share, if they do
	ready   bool               // sandbox is set; guarded by mu
	ending  bool               // no more containers are started; guarded by mu
	held    []apiobjects.Reference
}

// failure is why the node gave up a Pod as a whole.
type failure struct{ reason, message string }

// Start begins to run a Pod. Each change of its status is reported with a copy of the Pod, until Done is closed. If ctx
// ends, so does the Pod, at once and without its object being deleted.
func Start(ctx context.Context, node *Node, pod *corev1.Pod, report func(*corev1.Pod)) *Worker {
	w := &Worker{
		node: node, report: report, ctx: ctx, pod: pod, status: *pod.Status.DeepCopy(), prior: *pod.Status.DeepCopy(), started: time.Now(),
		log: node.Log.With("pod", pod.Namespace+"/"+pod.Name),
		dir: filepath.Join(node.PodDir, string(pod.UID)), stop: newDeadline(), done: make(chan struct{}),
		dirty: make(chan struct{}, 1), stale: make(chan struct{}, 1), runners: map[string]*runner{},
	}
	if pod.Status.StartTime != nil {
		w.started = pod.Status.StartTime.Time
	}
	w.volumes = volume.NewSet(filepath.Join(w.dir, "volumes"), podObjects{ctx, node, pod})
	go w.run()
	return w
}

// Done is closed when the Pod has ended and is cleaned up.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Pod is the Pod as last seen in the API, to be read only.
func (w *Worker) Pod() *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod
}

// Status is the status as last reported.
func (w *Worker) Status() corev1.PodStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.status.DeepCopy()
}

// Update takes note of a Pod as it is in the API now. What may change while it runs are its labels and annotations, its
// images and ephemeral containers, and the conditions that others set.
func (w *Worker) Update(pod *corev1.Pod) {
	w.mu.Lock()
	old := w.pod
	w.pod = pod
	runners := maps.Clone(w.runners)
	w.mu.Unlock()
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		was := podspec.FindContainer(old, c.Name)
		if r := runners[c.Name]; r != nil && was != nil && was.Image != c.Image {
			r.restart(fmt.Sprintf("Container %s definition changed, will be restarted", c.Name))
		}
	}
	w.beginEphemeral()
	if !maps.Equal(old.Labels, pod.Labels) || !maps.Equal(old.Annotations, pod.Annotations) {
		w.Refresh()
	}
	if old.Generation != pod.Generation || len(pod.Spec.ReadinessGates) > 0 && !reflect.DeepEqual(old.Status.Conditions, pod.Status.Conditions) {
		w.changed()
	}
}

// Refresh looks again at the objects that the Pod's volumes come from.
func (w *Worker) Refresh() { poke(w.stale) }

// changed has the status reported soon.
func (w *Worker) changed() { poke(w.dirty) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Terminate ends the Pod within a grace period. Another call can only make it end sooner.
func (w *Worker) Terminate(grace time.Duration) {
	w.stop.bring(time.Now().Add(grace))
}

// fail ends the Pod because of something that it can't recover from.
func (w *Worker) fail(reason, message string) {
	w.mu.Lock()
	if w.failure.reason == "" {
		w.failure = failure{reason, message}
	}
	w.mu.Unlock()
	w.changed()
	w.Terminate(gracePeriod(w.Pod()))
}

func gracePeriod(pod *corev1.Pod) time.Duration {
	seconds := ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, int64(defaultGrace/time.Second))
	if pod.DeletionGracePeriodSeconds != nil {
		seconds = *pod.DeletionGracePeriodSeconds
	}
	return time.Duration(seconds) * time.Second
}

// runtime is what containers may ask about where they run.
func (w *Worker) runtime() podspec.Runtime {
	rt := podspec.Runtime{HostIPs: w.node.HostIPs, Allocatable: w.node.Allocatable}
	rt.PodIPs = w.podIPs()
	return rt
}

func (w *Worker) podIPs() []netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.ready:
		return nil
	case w.pod.Spec.HostNetwork:
		return w.node.HostIPs
	}
	return w.sandbox.IPs()
}

// publish reports the status whenever something has changed, until quit is closed and once more after that.
func (w *Worker) publish(quit <-chan struct{}) {
	for {
		select {
		case <-w.dirty:
			w.reportNow()
		case <-quit:
			w.reportNow()
			return
		}
	}
}

func (w *Worker) reportNow() {
	w.mu.Lock()
	s := podstatus.Snapshot{
		Pod: w.pod, Previous: w.status, Containers: map[string]podstatus.Container{}, Sandbox: w.ready,
		HostIPs: w.node.HostIPs, Started: w.started, Terminal: w.terminal,
		Failed: w.failure.reason != "", Reason: w.failure.reason, Message: w.failure.message, Now: time.Now(),
	}
	// Conditions of others, such as readiness gates, come in through the API.
	s.Previous.Conditions = foreign(w.status.Conditions, w.pod.Status.Conditions)
	if w.ready {
		s.PodIPs = w.sandbox.IPs()
	}
	for name, r := range w.runners {
		s.Containers[name] = r.snapshot()
	}
	w.status = podstatus.Compute(s)
	pod := w.pod.DeepCopy()
	pod.Status = *w.status.DeepCopy()
	w.mu.Unlock()
	w.report(pod)
}

// foreign is the node's own conditions as last reported, and those of others as they are in the API.
func foreign(reported, api []corev1.PodCondition) []corev1.PodCondition {
	own := map[corev1.PodConditionType]bool{
		corev1.PodReadyToStartContainers: true, corev1.PodInitialized: true, corev1.PodReady: true,
		corev1.ContainersReady: true, corev1.PodScheduled: true,
	}
	var all []corev1.PodCondition
	seen := map[corev1.PodConditionType]bool{}
	for _, c := range reported {
		if own[c.Type] {
			all = append(all, c)
			seen[c.Type] = true
		}
	}
	for _, c := range api {
		if !seen[c.Type] {
			all = append(all, c)
		}
	}
	return all
}

// runner finds a container's runner.
func (w *Worker) runner(name string) (*runner, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name == "" && len(w.pod.Spec.Containers) > 0 {
		name = w.pod.Spec.Containers[0].Name
	}
	if r := w.runners[name]; r != nil {
		return r, nil
	}
	if podspec.FindContainer(w.pod, name) == nil {
		return nil, fmt.Errorf("%w: Pod %s has no container %q", ErrNoContainer, w.pod.Name, name)
	}
	return nil, fmt.Errorf("%w: container %q in Pod %s", ErrNotStarted, name, w.pod.Name)
}

// Errors of what is asked about containers.
var (
	ErrNoContainer = errors.New("no such container")
	ErrNotStarted  = errors.New("container has not been started yet")
	ErrNotRunning  = errors.New("container is not running")
)
