//go:build linux

package containers

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/probe"
)

// probes run the probes of a running container.
type probes struct{ run *containerRun }

// start probes until ctx ends: first for startup, if there is such a probe, and then for readiness and liveness.
func (p probes) start(ctx context.Context) {
	c := p.run.runner.definition()
	started := func() {
		closeOnce(p.run.runner.started)
		if c.ReadinessProbe != nil {
			go probe.Watch(ctx, c.ReadinessProbe, p.target("Readiness"), func(v probe.Verdict) { p.setReady(v.Healthy) }, p.report("Readiness"))
		}
		if c.LivenessProbe != nil {
			go probe.Watch(ctx, c.LivenessProbe, p.target("Liveness"), p.restartUnless("liveness", c.LivenessProbe), p.report("Liveness"))
		}
	}
	if c.StartupProbe == nil {
		started()
		return
	}
	startup, passed := context.WithCancel(ctx)
	verdict := func(v probe.Verdict) {
		if !v.Healthy {
			p.restartUnless("startup", c.StartupProbe)(v)
			return
		}
		passed()
		p.run.runner.manager.pod.Apply(podstatus.Started{Container: c.Name, Ready: c.ReadinessProbe == nil})
		started()
	}
	go probe.Watch(startup, c.StartupProbe, p.target("Startup"), verdict, p.report("Startup"))
}

// restartUnless returns a function that restarts the container unless it is healthy.
func (p probes) restartUnless(kind string, of *corev1.Probe) func(probe.Verdict) {
	return func(v probe.Verdict) {
		if r := p.run.runner; !v.Healthy && !r.stop.IsSet() {
			r.restart(restart{probe: of, reason: "Container " + r.name + " failed " + kind + " probe, will be restarted"})
		}
	}
}

// target is what probes of a kind connect to.
func (p probes) target(kind string) probe.Target {
	target := p.run.probeTarget()
	target.Warn = func(warning string) {
		p.run.runner.event(corev1.EventTypeWarning, eventProbeWarning, "%s probe warning: %s", kind, warning)
	}
	return target
}

// report returns a function that records an event for a failure.
func (p probes) report(kind string) func(error) {
	return func(err error) {
		if r := p.run.runner; !r.stop.IsSet() {
			r.event(corev1.EventTypeWarning, eventUnhealthy, "%s probe failed: %v", kind, err)
		}
	}
}

func (p probes) setReady(ready bool) {
	r := p.run.runner
	r.manager.pod.Apply(podstatus.Ready{Container: r.name, Ready: ready})
}

// probeTarget is what probes and HTTP hooks of the container connect to.
func (c *containerRun) probeTarget() probe.Target {
	host := ""
	if ips := c.runner.manager.pod.IPs(); len(ips) > 0 {
		host = ips[0].String()
	}
	return probe.Target{
		Container: c.runner.definition(), Host: host,
		Exec: func(ctx context.Context, command []string) (int, string, error) {
			return execCaptured(ctx, c, command)
		},
	}
}
