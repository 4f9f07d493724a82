package podstatus

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// conditions returns the node's own.
func conditions(s State, status corev1.PodStatus, now time.Time) []corev1.PodCondition {
	containers := containersReady(s.Pod, status)
	own := []corev1.PodCondition{
		yesOrNo(corev1.PodReadyToStartContainers, s.Sandbox && !final(status.Phase)),
		initialized(s.Pod, status),
		podReady(s.Pod, containers),
		containers,
		yesOrNo(corev1.PodScheduled, true),
	}
	for i := range own {
		own[i].ObservedGeneration = s.Pod.Generation
		own[i].LastTransitionTime = metav1.NewTime(now).Rfc3339Copy()
		if old := Condition(s.Previous, own[i].Type); old != nil && old.Status == own[i].Status {
			own[i].LastTransitionTime = old.LastTransitionTime
		}
	}
	return own
}

// Merge appends to the node's own conditions those of other types from the API.
func Merge(own, api []corev1.PodCondition) []corev1.PodCondition {
	merged := slices.Clone(own)
	for _, c := range api {
		if !slices.ContainsFunc(own, func(o corev1.PodCondition) bool { return o.Type == c.Type }) {
			merged = append(merged, c)
		}
	}
	return merged
}

// Condition returns the condition of a type; nil if there is none.
func Condition(status corev1.PodStatus, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			return &status.Conditions[i]
		}
	}
	return nil
}

func yesOrNo(kind corev1.PodConditionType, yes bool) corev1.PodCondition {
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse}
	if yes {
		c.Status = corev1.ConditionTrue
	}
	return c
}

func no(kind corev1.PodConditionType, reason, message string) corev1.PodCondition {
	return corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message}
}

const reasonCompleted = "PodCompleted"

func initialized(pod *corev1.Pod, status corev1.PodStatus) corev1.PodCondition {
	var incomplete []string
	for i, c := range status.InitContainerStatuses {
		done := c.Ready || c.LastTerminationState.Terminated != nil && c.LastTerminationState.Terminated.ExitCode == 0
		if IsSidecar(&pod.Spec.InitContainers[i]) {
			done = ptr.Deref(c.Started, false)
		}
		if !done {
			incomplete = append(incomplete, c.Name)
		}
	}
	switch {
	case len(incomplete) == 0 || anyBegan(status.ContainerStatuses):
		c := yesOrNo(corev1.PodInitialized, true)
		if status.Phase == corev1.PodSucceeded {
			c.Reason = reasonCompleted
		}
		return c
	case status.Phase == corev1.PodSucceeded:
		return corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, Reason: reasonCompleted}
	}
	return no(corev1.PodInitialized, "ContainersNotInitialized",
		fmt.Sprintf("containers with incomplete status: %s", bracketed(incomplete)))
}

func containersReady(pod *corev1.Pod, status corev1.PodStatus) corev1.PodCondition {
	switch status.Phase {
	case corev1.PodSucceeded:
		return no(corev1.ContainersReady, reasonCompleted, "")
	case corev1.PodFailed:
		return no(corev1.ContainersReady, "PodFailed", "")
	}
	var unready []string
	for i, c := range status.InitContainerStatuses {
		if IsSidecar(&pod.Spec.InitContainers[i]) && !c.Ready {
			unready = append(unready, c.Name)
		}
	}
	for _, c := range status.ContainerStatuses {
		if !c.Ready {
			unready = append(unready, c.Name)
		}
	}
	if len(unready) == 0 {
		return yesOrNo(corev1.ContainersReady, true)
	}
	return no(corev1.ContainersReady, "ContainersNotReady",
		fmt.Sprintf("containers with unready status: %s", bracketed(unready)))
}

// podReady is true if ContainersReady and every readiness gate are.
func podReady(pod *corev1.Pod, containers corev1.PodCondition) corev1.PodCondition {
	if containers.Status != corev1.ConditionTrue {
		return no(corev1.PodReady, containers.Reason, containers.Message)
	}
	var messages []string
	for _, gate := range pod.Spec.ReadinessGates {
		switch c := Condition(pod.Status, gate.ConditionType); {
		case c == nil:
			messages = append(messages, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case c.Status != corev1.ConditionTrue:
			messages = append(messages, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %s", gate.ConditionType, c.Status))
		}
	}
	if len(messages) > 0 {
		return no(corev1.PodReady, "ReadinessGatesNotReady", strings.Join(messages, ", "))
	}
	return yesOrNo(corev1.PodReady, true)
}

func bracketed(names []string) string { return "[" + strings.Join(names, " ") + "]" }
