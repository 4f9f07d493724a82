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
	c, target := p.run.runner.definition(), p.run.probeTarget()
	started := func() {
		p.run.runner.markStarted()
		if c.ReadinessProbe == nil {
			p.setReady(true)
		} else {
			go probe.Watch(ctx, c.ReadinessProbe, target, func(v probe.Verdict) { p.setReady(v.Healthy) }, p.report("Readiness"))
		}
		if c.LivenessProbe != nil {
			go probe.Watch(ctx, c.LivenessProbe, target, p.restartUnless("liveness"), p.report("Liveness"))
		}
	}
	if c.StartupProbe == nil {
		started()
		return
	}
	startup, passed := context.WithCancel(ctx)
	verdict := func(v probe.Verdict) {
		if !v.Healthy {
			p.restartUnless("startup")(v)
			return
		}
		passed()
		started()
	}
	go probe.Watch(startup, c.StartupProbe, target, verdict, p.report("Startup"))
}

// restartUnless returns a function that restarts the container unless it is healthy.
func (p probes) restartUnless(kind string) func(probe.Verdict) {
	return func(v probe.Verdict) {
		if r := p.run.runner; !v.Healthy && !r.stop.IsSet() {
			r.restart("Container " + r.name + " failed " + kind + " probe, will be restarted")
		}
	}
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
