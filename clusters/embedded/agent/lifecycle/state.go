//go:build linux

package lifecycle

import (
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
)

// podState holds the current state of a Pod.
type podState struct {
	// changed is readable if the status may differ from the one computed last.
	changed chan struct{}

	mu    sync.Mutex
	state podstatus.State
}

func newPodState(pod *corev1.Pod, hostIPs []netip.Addr) *podState {
	started := time.Now()
	if pod.Status.StartTime != nil {
		started = pod.Status.StartTime.Time
	}
	return &podState{
		changed: make(chan struct{}, 1),
		state:   podstatus.State{Pod: pod, Previous: *pod.Status.DeepCopy(), HostIPs: hostIPs, Started: started},
	}
}

// Apply applies an event, after which the status is computed again.
func (p *podState) Apply(event podstatus.Event) {
	p.mu.Lock()
	p.state = p.state.Apply(event)
	p.mu.Unlock()
	wake(p.changed)
}

// update replaces the Pod by a new version of it and returns the old one. It does not announce a change.
func (p *podState) update(pod *corev1.Pod) (old *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old = p.state.Pod
	p.state = p.state.Apply(podstatus.PodUpdated{Pod: pod})
	return old
}

func (p *podState) get() podstatus.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// compute computes the status and returns a copy of the Pod with it.
func (p *podState) compute(now time.Time) *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := podstatus.Compute(p.state, now)
	p.state = p.state.Apply(podstatus.Computed{Status: status})
	pod := p.state.Pod.DeepCopy()
	pod.Status = *status.DeepCopy()
	return pod
}

// ips are the Pod's addresses; nil while it has no network.
func (p *podState) ips() []netip.Addr {
	if s := p.get(); s.Sandbox {
		return s.PodIPs
	}
	return nil
}

// wake makes a channel of capacity 1 readable.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
