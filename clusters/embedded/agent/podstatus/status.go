// Package podstatus keeps the state of a Pod and computes its status, by the rules of the kubelet. All functions are
// pure: events are applied to a State, and Compute makes the status.
package podstatus

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Container is the state of one container.
type Container struct {
	ID, ImageName, ImageID string
	// State is the current one, and Last how the run before ended, if there was one.
	State, Last corev1.ContainerState
	Restarts    int32
	// Started is true once it runs and its startup probe passed, if it has one, and Ready once its readiness probe did.
	Started, Ready bool
	// shown is what the Pod's status says of it until its next run is reported; nil if that is the above.
	shown *Container
}

// visible is the container as the Pod's status shows it.
func (c Container) visible() Container {
	if c.shown != nil {
		return *c.shown
	}
	return c
}

// Compute returns the status at a time. It has the node's own conditions only; Merge adds those of others.
func Compute(s State, now time.Time) corev1.PodStatus {
	status := corev1.PodStatus{
		ObservedGeneration:         s.Pod.Generation,
		StartTime:                  ptr.To(metav1.NewTime(s.Started).Rfc3339Copy()),
		QOSClass:                   s.Pod.Status.QOSClass,
		NominatedNodeName:          s.Previous.NominatedNodeName,
		InitContainerStatuses:      statuses(s, s.Pod.Spec.InitContainers, true),
		ContainerStatuses:          statuses(s, s.Pod.Spec.Containers, false),
		Reason:                     s.Reason,
		EphemeralContainerStatuses: ephemeral(s),
		Message:                    s.Message,
	}
	for i, ip := range s.HostIPs {
		if i == 0 {
			status.HostIP = ip.String()
		}
		status.HostIPs = append(status.HostIPs, corev1.HostIP{IP: ip.String()})
	}
	for i, ip := range s.PodIPs {
		if i == 0 {
			status.PodIP = ip.String()
		}
		status.PodIPs = append(status.PodIPs, corev1.PodIP{IP: ip.String()})
	}
	status.Phase = Phase(s.Pod, status.InitContainerStatuses, status.ContainerStatuses)
	if s.Failed {
		status.Phase = corev1.PodFailed
	}
	if s.Terminal && !final(status.Phase) {
		status.Phase = terminalPhase(status.ContainerStatuses)
	}
	if final(s.Previous.Phase) { // final phases are kept
		status.Phase = s.Previous.Phase
	}
	status.Conditions = conditions(s, status, now)
	return status
}

func final(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

func statuses(s State, specs []corev1.Container, initial bool) []corev1.ContainerStatus {
	if len(specs) == 0 {
		return nil
	}
	list := make([]corev1.ContainerStatus, 0, len(specs))
	for i := range specs {
		spec := &specs[i]
		c, seen := s.Containers[spec.Name]
		if !seen {
			c.State.Waiting = &corev1.ContainerStateWaiting{Reason: waitingReason(s.Pod)}
		}
		c = c.visible()
		status := corev1.ContainerStatus{
			Name: spec.Name, Image: spec.Image, ImageID: c.ImageID, ContainerID: c.ID,
			State: c.State, LastTerminationState: c.Last, RestartCount: c.Restarts,
			Started: ptr.To(c.Started), Ready: ready(c, initial && !IsSidecar(spec)),
		}
		if c.ImageName != "" {
			status.Image = c.ImageName
		}
		list = append(list, status)
	}
	return list
}

// ephemeral containers are reported like others, but do not affect the Pod's phase or readiness.
func ephemeral(s State) []corev1.ContainerStatus {
	specs := make([]corev1.Container, 0, len(s.Pod.Spec.EphemeralContainers))
	for _, e := range s.Pod.Spec.EphemeralContainers {
		specs = append(specs, corev1.Container(e.EphemeralContainerCommon))
	}
	list := statuses(s, specs, false)
	for i := range list {
		list[i].Ready = false
	}
	return list
}

// ready of an init container means that it succeeded.
func ready(c Container, initial bool) bool {
	if initial {
		return c.State.Terminated != nil && c.State.Terminated.ExitCode == 0
	}
	return c.Ready && c.State.Running != nil
}

// waitingReason is that of a container that has not been started yet. The kubelet uses the same one for all containers of
// a Pod, init containers included.
func waitingReason(pod *corev1.Pod) string {
	if len(pod.Spec.InitContainers) > 0 {
		return ReasonInitializing
	}
	return ReasonCreating
}

// Reasons of waiting containers, as the kubelet has them.
const (
	ReasonInitializing = "PodInitializing"
	ReasonCreating     = "ContainerCreating"
)

// IsSidecar is true for an init container that keeps running beside the others ("restartable init container").
func IsSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// Phase summarizes the containers (Kubernetes documentation, "Pod phase"). A Pod is Pending until its init containers have
// succeeded, and Failed if one of them failed for good.
func Phase(pod *corev1.Pod, initial, main []corev1.ContainerStatus) corev1.PodPhase {
	pending := false
	for i := range initial {
		state := &initial[i]
		if IsSidecar(&pod.Spec.InitContainers[i]) {
			pending = pending || !ptr.Deref(state.Started, false) && !anyBegan(main)
			continue
		}
		switch ended := endOf(state); {
		case ended == nil:
			pending = true
		case ended.ExitCode != 0:
			if pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
				return corev1.PodFailed
			}
			pending = true
		}
	}
	if pending {
		return corev1.PodPending
	}
	return mainPhase(pod.Spec.RestartPolicy, main)
}

func mainPhase(policy corev1.RestartPolicy, main []corev1.ContainerStatus) corev1.PodPhase {
	running, succeeded, failed := 0, 0, 0
	for i := range main {
		switch ended := endOf(&main[i]); {
		case main[i].State.Running != nil:
			running++
		case ended == nil:
			return corev1.PodPending // never ran
		case ended.ExitCode == 0:
			succeeded++
		default:
			failed++
		}
	}
	switch {
	case running > 0 || policy == corev1.RestartPolicyAlways || len(main) == 0:
		return corev1.PodRunning
	case failed == 0:
		return corev1.PodSucceeded
	case policy == corev1.RestartPolicyNever:
		return corev1.PodFailed
	}
	return corev1.PodRunning // OnFailure: it is going to be restarted
}

// terminalPhase is the phase of a Pod that was ended: it succeeded if all of its containers did.
func terminalPhase(main []corev1.ContainerStatus) corev1.PodPhase {
	for i := range main {
		if ended := endOf(&main[i]); ended == nil || ended.ExitCode != 0 {
			return corev1.PodFailed
		}
	}
	return corev1.PodSucceeded
}

// endOf is how a container that isn't running ended most recently; nil if it never ran or runs.
func endOf(c *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	switch {
	case c.State.Terminated != nil:
		return c.State.Terminated
	case c.State.Waiting != nil:
		return c.LastTerminationState.Terminated
	}
	return nil
}

func anyBegan(main []corev1.ContainerStatus) bool {
	return slices.ContainsFunc(main, func(c corev1.ContainerStatus) bool {
		return c.State.Running != nil || c.State.Terminated != nil || c.LastTerminationState.Terminated != nil
	})
}
