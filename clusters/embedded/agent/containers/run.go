//go:build linux

package containers

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// containerRun is a running container.
type containerRun struct {
	runner  *runner
	number  int32 // of the attempt
	process *container.Process
	spec    container.Spec
	// image is the one that the Pod named when the container was started.
	image  string
	output *output
	input  *input
	// replaced is true once the node ends it to start it again, without the status saying so. Only supervise changes it.
	replaced bool
}

// defaultGrace is the grace period of a Pod that has none.
const defaultGrace = 30 * time.Second

// GracePeriod is the time that a Pod's containers get to end.
func GracePeriod(pod *corev1.Pod) time.Duration {
	seconds := ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, int64(defaultGrace/time.Second))
	if pod.DeletionGracePeriodSeconds != nil {
		seconds = *pod.DeletionGracePeriodSeconds
	}
	return time.Duration(seconds) * time.Second
}

// supervise runs hooks and probes until the process has ended: by itself, because a probe or hook failed, or because it was
// stopped. The message is for the container's status, if there is one.
func (c *containerRun) supervise(ctx context.Context) (message string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := c.runner
	orders := r.restarts
	if message = (hooks{c}).postStart(ctx); message == "" {
		c.reportRunning()
		probes{c}.start(ctx)
	} else {
		orders = make(chan restart, 1)
		orders <- restart{reason: message}
	}
	for {
		select {
		case <-c.process.Done():
			return ""
		case <-r.stop.Set():
			r.event(corev1.EventTypeNormal, eventKilling, "Stopping container %s", r.name)
			c.stop(ctx, r.stop)
		case order := <-orders:
			if order.image != "" && order.image == c.image {
				continue // it was given before this run began
			}
			r.event(corev1.EventTypeNormal, eventKilling, "%s", order.reason)
			c.replaced = message == ""
			grace := deadline.New()
			grace.Advance(time.Now().Add(restartGrace(r.manager.pod.Object(), order.probe)))
			c.stop(ctx, grace)
		}
		<-c.process.Done()
		return message
	}
}

// reportRunning reports that the container runs. As with the kubelet, that is after its postStart hook, and the status that
// says so also says that it is ready if it has no probe (Kubernetes documentation, "Container Lifecycle Hooks").
func (c *containerRun) reportRunning() {
	r := c.runner
	definition := r.definition()
	started := definition.StartupProbe == nil
	r.manager.pod.Apply(podstatus.Running{
		Container: r.name, Restarts: c.number, At: c.process.StartedAt(),
		Started: started, Ready: started && definition.ReadinessProbe == nil,
	})
	closeOnce(r.tried)
}

// restartGrace is how long a container gets to end before it is restarted: the grace period of the probe that failed, if it
// has one, or else the Pod's. That of a Pod that is being deleted comes before both.
func restartGrace(pod *corev1.Pod, failed *corev1.Probe) time.Duration {
	if pod.DeletionGracePeriodSeconds == nil && failed != nil && failed.TerminationGracePeriodSeconds != nil {
		return time.Duration(*failed.TerminationGracePeriodSeconds) * time.Second
	}
	return GracePeriod(pod)
}

// stop ends the process: preStop hook, stop signal and, at the deadline, SIGKILL. If the deadline has passed already, it
// is only killed.
func (c *containerRun) stop(ctx context.Context, by *deadline.Deadline) {
	log := c.runner.manager.config.Logger
	if at, _ := by.Get(); time.Until(at) > 0 {
		hooks{c}.preStop(ctx, by)
		if err := c.process.Signal(c.stopSignal()); err != nil {
			log.Debug("signalling a container", "container", c.runner.name, "error", err)
		}
		if by.Wait(c.process.Done()) {
			return
		}
	}
	if err := c.process.Signal(unix.SIGKILL); err != nil {
		log.Debug("killing a container", "container", c.runner.name, "error", err)
	}
	<-c.process.Done()
}

// stopSignal is the container's, or else the image's, or else SIGTERM.
func (c *containerRun) stopSignal() unix.Signal {
	definition := c.runner.definition()
	name := ""
	if definition.Lifecycle != nil && definition.Lifecycle.StopSignal != nil {
		name = string(*definition.Lifecycle.StopSignal)
	} else if img, err := c.runner.manager.config.Images.Stored(definition.Image); err == nil {
		name = img.Config.StopSignal
	}
	signal, err := container.SignalByName(name)
	if err != nil {
		c.runner.manager.config.Logger.Warn("stopping a container with SIGTERM instead", "container", c.runner.name, "error", err)
		return unix.SIGTERM
	}
	return signal
}
