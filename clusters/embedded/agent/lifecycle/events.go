package lifecycle

import (
	corev1 "k8s.io/api/core/v1"
)

// Reasons of events, as the kubelet's.
const (
	eventPulled      = "Pulled"
	eventCreated     = "Created"
	eventStarted     = "Started"
	eventFailed      = "Failed"
	eventKilling     = "Killing"
	eventBackOff     = "BackOff"
	eventUnhealthy   = "Unhealthy"
	eventFailedMount = "FailedMount"
	eventSandbox     = "FailedCreatePodSandBox"
	eventPostStart   = "FailedPostStartHook"
	eventPreStop     = "FailedPreStopHook"
	eventKillPod     = "FailedKillPod"
)

func (w *Worker) event(kind, reason, format string, args ...any) {
	w.node.Events.Eventf(w.reference(""), kind, reason, format, args...)
}

func (r *runner) event(kind, reason, format string, args ...any) {
	field := "spec.containers{" + r.name + "}"
	switch r.role {
	case roleInit, roleSidecar:
		field = "spec.initContainers{" + r.name + "}"
	case roleEphemeral:
		field = "spec.ephemeralContainers{" + r.name + "}"
	}
	r.worker.node.Events.Eventf(r.worker.reference(field), kind, reason, format, args...)
}

// reference points an event at the Pod or a part of it.
func (w *Worker) reference(field string) *corev1.ObjectReference {
	pod := w.Pod()
	return &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: field,
	}
}
