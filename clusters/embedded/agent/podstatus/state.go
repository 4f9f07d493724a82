package podstatus

import (
	"maps"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// State is everything that a Pod's status is computed from. It is a value: only Apply derives a new one.
type State struct {
	// Pod as last seen in the API. The conditions in its status that are not the node's own belong to others.
	Pod *corev1.Pod
	// Previous is the status computed before, from which transition times and a final phase are kept.
	Previous corev1.PodStatus
	// Containers of all types, by name. One that is missing has not been started yet.
	Containers map[string]Container
	// Sandbox is true while the Pod has its namespaces and network.
	Sandbox bool
	// PodIPs outlive the sandbox: a Pod that has ended keeps the addresses it had.
	PodIPs  []netip.Addr
	HostIPs []netip.Addr
	Started time.Time
	// Terminal is true when nothing of the Pod runs or ever will again.
	Terminal bool
	// Failed is true if the node failed the Pod as a whole, for Reason with Message.
	Failed          bool
	Reason, Message string
}

// Event is something that happened to a Pod.
type Event interface{ apply(State) State }

// Apply returns the state after an event.
func (s State) Apply(event Event) State { return event.apply(s) }

// PodUpdated is a new version of the Pod in the API.
type PodUpdated struct{ Pod *corev1.Pod }

func (e PodUpdated) apply(s State) State {
	s.Pod = e.Pod
	return s
}

// SandboxCreated says that the Pod has its namespaces and network, with addresses unless it uses the node's.
type SandboxCreated struct{ IPs []netip.Addr }

func (e SandboxCreated) apply(s State) State {
	s.Sandbox, s.PodIPs = true, e.IPs
	if s.Pod.Spec.HostNetwork {
		s.PodIPs = s.HostIPs
	}
	return s
}

// SandboxRemoved says that the Pod has no network any more.
type SandboxRemoved struct{}

func (SandboxRemoved) apply(s State) State {
	s.Sandbox = false
	return s
}

// Failed says that the node fails the Pod as a whole. The first reason is kept.
type Failed struct{ Reason, Message string }

func (e Failed) apply(s State) State {
	if !s.Failed {
		s.Failed, s.Reason, s.Message = true, e.Reason, e.Message
	}
	return s
}

// Ended says that nothing of the Pod is left.
type Ended struct{}

func (Ended) apply(s State) State {
	s.Terminal = true
	return s
}

// Computed says that a status was computed.
type Computed struct{ Status corev1.PodStatus }

func (e Computed) apply(s State) State {
	s.Previous = e.Status
	return s
}

// changeContainer returns the state with one container changed. The containers of s itself are not.
func changeContainer(s State, name string, change func(Container) Container) State {
	containers := maps.Clone(s.Containers)
	if containers == nil {
		containers = map[string]Container{}
	}
	containers[name] = change(containers[name])
	s.Containers = containers
	return s
}

// Added is a container that is going to be started. Prior is its status from an earlier node agent; nil if it is new.
type Added struct {
	Container string
	Prior     *corev1.ContainerStatus
}

func (e Added) apply(s State) State {
	return changeContainer(s, e.Container, func(Container) Container {
		var c Container
		c.State.Waiting = &corev1.ContainerStateWaiting{Reason: waitingReason(s.Pod)}
		if e.Prior != nil {
			c.Restarts, c.Last = e.Prior.RestartCount+1, lastState(e.Prior)
		}
		return c
	})
}

// KilledExitCode is the exit code of a process that SIGKILL ended.
const KilledExitCode = 137

// lastState is how a container of an earlier node agent ended: with that agent, unless it ended before.
func lastState(prior *corev1.ContainerStatus) corev1.ContainerState {
	switch {
	case prior.State.Terminated != nil:
		return prior.State
	case prior.State.Running != nil:
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: KilledExitCode, Reason: "ContainerStatusUnknown", ContainerID: prior.ContainerID,
			Message: "The container ended with the node agent that ran it", StartedAt: prior.State.Running.StartedAt,
		}}
	}
	return prior.LastTerminationState
}

// Waiting is a container that can't be started yet. While its image is being pulled, the reason is ReasonCreating.
type Waiting struct{ Container, Reason, Message string }

func (e Waiting) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		if e.Reason == ReasonCreating && c.shown != nil {
			return c // a container that is being replaced is shown as it was during a pull, too
		}
		return c.next(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: e.Reason, Message: e.Message}})
	})
}

// BackedOff is a container that is going to be restarted later.
type BackedOff struct {
	Container, Message string
	Last               corev1.ContainerStateTerminated
}

func (e BackedOff) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		c.shown, c.Last = nil, corev1.ContainerState{Terminated: &e.Last}
		c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: e.Message}}
		return c
	})
}

// Identified is a container that was given an ID and an image. The Pod's status has them when it runs.
type Identified struct{ Container, ID, ImageName, ImageID string }

func (e Identified) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		c = c.hold()
		c.ID, c.ImageName, c.ImageID = e.ID, e.ImageName, e.ImageID
		return c
	})
}

// Running is a container whose process was started and whose postStart hook, if it has one, has succeeded. It is Started
// and Ready from then on if it has no probe to tell.
type Running struct {
	Container      string
	Restarts       int32
	At             time.Time
	Started, Ready bool
}

func (e Running) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		c.Restarts, c.Started, c.Ready = e.Restarts, e.Started, e.Ready
		return c.next(corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(e.At)}})
	})
}

// Started is a container that runs and has passed its startup probe. It is Ready from then on if it has no readiness probe.
type Started struct {
	Container string
	Ready     bool
}

func (e Started) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		c.Started, c.Ready = true, e.Ready
		return c
	})
}

// Ready is the result of a container's readiness probe.
type Ready struct {
	Container string
	Ready     bool
}

func (e Ready) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		c.Ready = e.Ready
		return c
	})
}

// Terminated is a container whose process ended.
type Terminated struct {
	Container string
	Restarts  int32
	State     corev1.ContainerStateTerminated
	// Replaced is true if the node ended it in order to start it again, because its image changed or a probe failed. The
	// kubelet does both before it computes the next status (Kubelet.SyncPod), so that the status shows the container as it
	// was until it runs again or can't be started: one that was ready stays ready.
	Replaced bool
}

func (e Terminated) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		before := c.visible()
		c.Restarts, c.Started, c.Ready = e.Restarts, false, false
		c = c.next(corev1.ContainerState{Terminated: &e.State})
		if e.Replaced {
			c.shown = &before
		}
		return c
	})
}

// Finished is a container that won't be started again.
type Finished struct{ Container string }

func (e Finished) apply(s State) State {
	return changeContainer(s, e.Container, func(c Container) Container {
		c.shown = nil
		return c
	})
}

// hold makes the Pod's status show the container as it is now, until it moves to its next state.
func (c Container) hold() Container {
	if c.shown == nil {
		now := c
		c.shown = &now
	}
	return c
}

// next moves a container to a state, which the Pod's status shows. How it ended before is kept.
func (c Container) next(state corev1.ContainerState) Container {
	c.shown = nil
	if c.State.Terminated != nil {
		c.Last = c.State
	}
	c.State = state
	return c
}
