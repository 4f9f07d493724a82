package lifecycle

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/probe"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// supervise accompanies a running container until it has ended, whether by itself, because a probe or hook failed or
// because it was told to. The message is for the container's status, if there is more to say than the exit code.
func (r *runner) supervise(current *run) (message string) {
	ctx, cancel := context.WithCancel(r.worker.ctx)
	defer cancel()
	failed := r.postStart(ctx, current)
	if failed == "" {
		r.startProbes(ctx, current)
	}
	done := current.process.Done()
	select {
	case <-done:
		return ""
	case <-r.stop.set:
		r.event(corev1.EventTypeNormal, eventKilling, "Stopping container %s", r.name)
		r.end(current, r.stop)
	case reason := <-r.againOr(failed):
		r.event(corev1.EventTypeNormal, eventKilling, "%s", reason)
		grace := newDeadline()
		grace.bring(time.Now().Add(r.restartGrace()))
		r.end(current, grace)
	}
	<-done
	return failed
}

// againOr is where requests for a restart come from; a failed hook is one that is there from the start.
func (r *runner) againOr(failed string) <-chan string {
	if failed != "" {
		r.restart(failed)
	}
	return r.again
}

// restartGrace is how long a container gets to end before it is started again.
func (r *runner) restartGrace() time.Duration {
	if p := r.spec().LivenessProbe; p != nil && p.TerminationGracePeriodSeconds != nil {
		return time.Duration(*p.TerminationGracePeriodSeconds) * time.Second
	}
	return gracePeriod(r.worker.Pod())
}

// end stops the process: preStop hook, signal and, when the time is up, SIGKILL. A deadline that has passed leaves no
// time for hooks or goodbyes.
func (r *runner) end(current *run, by *deadline) {
	done := current.process.Done()
	if at, _ := by.get(); time.Until(at) > 0 {
		r.preStop(current, by)
		signal := r.stopSignal()
		if err := current.process.Signal(signal); err != nil {
			r.worker.log.Debug("signalling a container", "container", r.name, "error", err)
		}
		if by.waitFor(done) {
			return
		}
	}
	if err := current.process.Signal(unix.SIGKILL); err != nil {
		r.worker.log.Debug("killing a container", "container", r.name, "error", err)
	}
	<-done
}

// stopSignal is what the container says, else the image, else SIGTERM.
func (r *runner) stopSignal() unix.Signal {
	c := r.spec()
	name := ""
	if c.Lifecycle != nil && c.Lifecycle.StopSignal != nil {
		name = string(*c.Lifecycle.StopSignal)
	} else if img, err := r.worker.node.Images.Get(c.Image); err == nil {
		name = img.Config.StopSignal
	}
	signal, err := container.SignalByName(name)
	if err != nil {
		r.worker.log.Warn("stopping a container with SIGTERM instead", "container", r.name, "error", err)
		return unix.SIGTERM
	}
	return signal
}

// startProbes probes for as long as ctx lives: first for startup, if there is such a probe, and then for the rest.
func (r *runner) startProbes(ctx context.Context, current *run) {
	c := r.spec()
	target := r.target(current)
	begin := func() {
		r.up()
		if c.ReadinessProbe == nil {
			r.setReady(true)
		} else {
			go probe.Watch(ctx, c.ReadinessProbe, target, func(v probe.Verdict) { r.setReady(v.Healthy) }, r.unhealthy("Readiness"))
		}
		if c.LivenessProbe != nil {
			go probe.Watch(ctx, c.LivenessProbe, target, r.restartUnless("liveness"), r.unhealthy("Liveness"))
		}
	}
	if c.StartupProbe == nil {
		begin()
		return
	}
	startup, passed := context.WithCancel(ctx)
	verdict := func(v probe.Verdict) {
		if !v.Healthy {
			r.restartUnless("startup")(v)
			return
		}
		passed()
		begin()
	}
	go probe.Watch(startup, c.StartupProbe, target, verdict, r.unhealthy("Startup"))
}

func (r *runner) restartUnless(kind string) func(probe.Verdict) {
	return func(v probe.Verdict) {
		if !v.Healthy && !r.stop.isSet() {
			r.restart("Container " + r.name + " failed " + kind + " probe, will be restarted")
		}
	}
}

func (r *runner) unhealthy(kind string) func(error) {
	return func(err error) {
		if !r.stop.isSet() {
			r.event(corev1.EventTypeWarning, eventUnhealthy, "%s probe failed: %v", kind, err)
		}
	}
}

func (r *runner) setReady(ready bool) {
	r.update(func(c *podstatus.Container) { c.Ready = ready })
}

func (r *runner) target(current *run) probe.Target {
	host := ""
	if ips := r.worker.podIPs(); len(ips) > 0 {
		host = ips[0].String()
	}
	return probe.Target{
		Container: r.spec(), Host: host,
		Exec: func(ctx context.Context, command []string) (int, string, error) {
			return execCaptured(ctx, current, command)
		},
	}
}
