package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
)

// Retries of what a Pod needs but can't have yet. A change of the objects it refers to ends the wait early.
const (
	firstRetry = 20 * time.Millisecond
	mostRetry  = 2 * time.Second
	// patience is how long something may fail before it is worth an event. Right after a Pod is bound, the API server may
	// not know yet that the node may read what the Pod refers to, and a new namespace may not be complete.
	patience = time.Second
)

// run is a Pod's life.
func (w *Worker) run() {
	defer close(w.done)
	quit, published := make(chan struct{}), make(chan struct{})
	go func() {
		w.publish(quit)
		close(published)
	}()
	stopWatching := context.AfterFunc(w.ctx, func() { w.Terminate(0) })
	defer stopWatching()

	w.changed()
	w.held = apiobjects.References(w.Pod())
	w.node.Objects.Hold(w.ctx, w.held)
	if w.setUp() {
		ctx, cancel := context.WithCancel(w.ctx)
		go w.keepFresh(ctx)
		stopTimer := w.watchActiveDeadline()
		w.runContainers()
		stopTimer()
		cancel()
	}
	w.cleanUp()
	w.mu.Lock()
	w.terminal = true
	w.mu.Unlock()
	close(quit)
	<-published
}

// setUp makes what the containers share, again and again until it works. It is false if the Pod is to end before that.
func (w *Worker) setUp() bool {
	if err := os.MkdirAll(filepath.Join(w.dir, "volumes"), 0o755); err != nil {
		w.fail("NodeError", fmt.Sprintf("making the Pod's folder: %v", err))
		return false
	}
	return w.untilDone(eventFailedMount, "MountVolume.SetUp failed", w.setUpVolumes) &&
		w.untilDone(eventSandbox, "Failed to create pod sandbox", w.setUpSandbox) &&
		w.untilDone(eventSandbox, "Failed to write the Pod's files", w.writeFiles) &&
		w.untilDone(eventSandbox, "Failed to start the Pod's process namespace", w.startHolder)
}

// untilDone tries something until it succeeds and tells of each new kind of failure once.
func (w *Worker) untilDone(reason, what string, try func() error) bool {
	told, began := "", time.Now()
	for delay := firstRetry; ; delay = min(2*delay, mostRetry) {
		if w.stop.isSet() {
			return false
		}
		err := try()
		if err == nil {
			return true
		}
		if told != err.Error() && time.Since(began) > patience {
			told = err.Error()
			w.log.Warn(what, "error", err)
			w.event(corev1.EventTypeWarning, reason, "%s: %v", what, err)
		}
		if !w.pause(delay) {
			return false
		}
	}
}

// pause waits, less if an object has changed, and is false if the Pod is to end.
func (w *Worker) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.stale:
	case <-w.stop.set:
		return false
	}
	return true
}

func (w *Worker) setUpVolumes() error {
	w.volMu.Lock()
	defer w.volMu.Unlock()
	// Volumes are made before the sandbox, as the kubelet does; those that tell the Pod's address are written again
	// once it is known.
	_, err := w.volumes.Setup(w.ctx, w.Pod(), w.runtime())
	return err
}

func (w *Worker) setUpSandbox() error {
	pod := w.Pod()
	o := sandbox.Options{
		Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Hostname: podspec.Hostname(pod),
		HostNetwork: pod.Spec.HostNetwork, HostIPC: pod.Spec.HostIPC, Ports: hostPorts(pod), Sysctls: map[string]string{},
	}
	if sc := pod.Spec.SecurityContext; sc != nil {
		for _, s := range sc.Sysctls {
			o.Sysctls[s.Name] = s.Value
		}
	}
	made, err := w.node.Sandboxes.Make(w.ctx, o)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.sandbox, w.ready = made, true
	w.mu.Unlock()
	w.changed()
	return nil
}

func hostPorts(pod *corev1.Pod) []sandbox.PortMapping {
	var ports []sandbox.PortMapping
	if pod.Spec.HostNetwork {
		return nil
	}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.HostPort == 0 {
				continue
			}
			protocol := p.Protocol
			if protocol == "" {
				protocol = corev1.ProtocolTCP
			}
			ports = append(ports, sandbox.PortMapping{
				HostPort: p.HostPort, ContainerPort: p.ContainerPort, Protocol: string(protocol), HostIP: p.HostIP,
			})
		}
	}
	return ports
}

// keepFresh rewrites volumes when their objects change and before their tokens expire.
func (w *Worker) keepFresh(ctx context.Context) {
	told := ""
	for {
		w.volMu.Lock()
		renew, err := w.volumes.Refresh(ctx, w.Pod(), w.runtime())
		w.volMu.Unlock()
		var due <-chan time.Time
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if told != err.Error() {
				told = err.Error()
				w.event(corev1.EventTypeWarning, eventFailedMount, "MountVolume.SetUp failed: %v", err)
			}
			due = time.After(mostRetry)
		case !renew.IsZero():
			due = time.After(max(time.Until(renew), time.Second))
		}
		select {
		case <-ctx.Done():
			return
		case <-w.stale:
		case <-due:
		}
		w.wakeWaiting()
	}
}

// wakeWaiting lets containers that wait for an object look again.
func (w *Worker) wakeWaiting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.runners {
		poke(r.retry)
	}
}

func (w *Worker) watchActiveDeadline() (stop func()) {
	pod := w.Pod()
	if pod.Spec.ActiveDeadlineSeconds == nil {
		return func() {}
	}
	left := time.Until(w.started.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second))
	timer := time.AfterFunc(left, func() {
		w.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	})
	return func() { timer.Stop() }
}

// runContainers runs init containers one after another, then all others together, until they end or have to.
func (w *Worker) runContainers() {
	pod := w.Pod()
	var sidecars []*runner
	initialized := true
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if roleOfInit(c) == roleSidecar {
			r := w.begin(c.Name, roleSidecar, newDeadline())
			sidecars = append(sidecars, r)
			initialized = r.waitStarted(w.stop)
		} else {
			initialized = w.begin(c.Name, roleInit, w.stop).waitSucceeded()
		}
		if !initialized {
			break
		}
	}
	if initialized && !w.stop.isSet() {
		w.beginEphemeral()
		w.runMain(pod)
	}
	w.endSidecars(sidecars)
	w.endRest()
}

// runMain returns when all have ended, by themselves or because the Pod has to.
func (w *Worker) runMain(pod *corev1.Pod) {
	var mains []*runner
	for i := range pod.Spec.Containers {
		mains = append(mains, w.begin(pod.Spec.Containers[i].Name, roleMain, w.stop))
	}
	for _, r := range mains {
		<-r.finished
	}
}

// endSidecars ends them in reverse order, each when those started after it are gone. They share what is left of the
// grace period, and get two seconds at least.
func (w *Worker) endSidecars(sidecars []*runner) {
	w.stop.bring(time.Now().Add(gracePeriod(w.Pod())))
	for i := len(sidecars) - 1; i >= 0; i-- {
		r := sidecars[i]
		for ended := false; !ended; {
			at, changed := w.stop.get()
			if w.ctx.Err() == nil {
				at = laterOf(at, time.Now().Add(leastGrace))
			}
			r.stop.bring(at)
			select {
			case <-r.finished:
				ended = true
			case <-changed:
			}
		}
	}
}

const leastGrace = 2 * time.Second

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// begin makes the runner of a container and starts it.
func (w *Worker) begin(name string, as role, stop *deadline) *runner {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.beginLocked(name, as, stop)
}

func (w *Worker) beginLocked(name string, as role, stop *deadline) *runner {
	r := newRunner(w, name, as, stop)
	w.runners[name] = r
	go r.loop()
	return r
}

// beginEphemeral starts the ephemeral containers that the Pod was given since it was started (`kubectl debug`).
func (w *Worker) beginEphemeral() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.pod.Spec.EphemeralContainers {
		name := w.pod.Spec.EphemeralContainers[i].Name
		if w.ready && !w.ending && w.runners[name] == nil {
			w.beginLocked(name, roleEphemeral, w.stop)
		}
	}
}

// endRest waits for what doesn't keep a Pod alive by itself.
func (w *Worker) endRest() {
	w.mu.Lock()
	w.ending = true
	rest := slices.Collect(maps.Values(w.runners))
	w.mu.Unlock()
	for _, r := range rest {
		<-r.finished
	}
}
