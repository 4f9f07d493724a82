package objects

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func isKind(object *unstructured.Unstructured, group, kind string) bool {
	return object.GroupVersionKind().GroupKind() == schema.GroupKind{Group: group, Kind: kind}
}

// missingOf describes what an object lacks to be ready, judging by the object alone; "" if it is ready.
//
// kstatus (sigs.k8s.io/cli-utils/pkg/kstatus, v0.37.2) is not used, because it judges whether the latest change of an object was
// processed, and not whether the object can serve or has done its work. To kstatus, these are Current: an Ingress without an
// address, a Service of type LoadBalancer without one, a Service with Pods that are not its endpoints, a Job that still runs, a
// Pod that has failed, and a StatefulSet with the strategy OnDelete whose Pods are old. Its judgements of Deployments and of other
// Pods lead to the same waits as those below, but its messages lack what is wrong with the Pods.
func missingOf(object *unstructured.Unstructured) (string, error) {
	switch object.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: appsv1.GroupName, Kind: "Deployment"}:
		return typed(object, missingOfDeployment)
	case schema.GroupKind{Group: appsv1.GroupName, Kind: "DaemonSet"}:
		return typed(object, missingOfDaemonSet)
	case schema.GroupKind{Group: appsv1.GroupName, Kind: "StatefulSet"}:
		return typed(object, missingOfStatefulSet)
	case schema.GroupKind{Group: corev1.GroupName, Kind: "Pod"}:
		return typed(object, missingOfPod)
	case schema.GroupKind{Group: batchv1.GroupName, Kind: "Job"}:
		return typed(object, missingOfJob)
	case schema.GroupKind{Group: networkingv1.GroupName, Kind: "Ingress"}:
		return typed(object, missingOfIngress)
	}
	return "", nil
}

func typed[T any](object *unstructured.Unstructured, missing func(*T) string) (string, error) {
	var value T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &value); err != nil {
		return "", fmt.Errorf("reading %s: %w", Name(object), err)
	}
	return missing(&value), nil
}

func missingOfDeployment(deployment *appsv1.Deployment) string {
	desired := int32(1)
	if deployment.Spec.Replicas != nil {
		desired = *deployment.Spec.Replicas
	}
	status := deployment.Status
	if status.ObservedGeneration < deployment.Generation {
		return "its controller has not observed its latest change"
	}
	return missingPods(desired, status.UpdatedReplicas, status.AvailableReplicas, status.Replicas)
}

func missingOfDaemonSet(set *appsv1.DaemonSet) string {
	if set.Status.ObservedGeneration < set.Generation {
		return "its controller has not observed its latest change"
	}
	return missingPods(set.Status.DesiredNumberScheduled, set.Status.UpdatedNumberScheduled, set.Status.NumberAvailable,
		set.Status.CurrentNumberScheduled)
}

func missingOfStatefulSet(set *appsv1.StatefulSet) string {
	desired := int32(1)
	if set.Spec.Replicas != nil {
		desired = *set.Spec.Replicas
	}
	if set.Status.ObservedGeneration < set.Generation {
		return "its controller has not observed its latest change"
	}
	return missingPods(desired, set.Status.UpdatedReplicas, set.Status.AvailableReplicas, set.Status.Replicas)
}

func missingPods(desired, updated, available, total int32) string {
	if updated == desired && available == desired && total == desired {
		return ""
	}
	return fmt.Sprintf("of %d desired Pods, %d are up to date and %d are available; %d exist in total", desired, updated, available, total)
}

func missingOfPod(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return ""
		}
	}
	return "it is not ready" + troubleOf(pod)
}

func missingOfJob(job *batchv1.Job) string {
	for _, condition := range job.Status.Conditions {
		if condition.Type == batchv1.JobComplete && condition.Status == corev1.ConditionTrue {
			return ""
		}
	}
	return fmt.Sprintf("%d of its Pods succeeded and %d failed", job.Status.Succeeded, job.Status.Failed)
}

func missingOfIngress(ingress *networkingv1.Ingress) string {
	if len(ingress.Status.LoadBalancer.Ingress) > 0 {
		return ""
	}
	return "no controller has written an address into its status"
}

// missingEndpoints names a ready Pod that a Service selects and that is not a ready endpoint in its EndpointSlices; "" if
// there is none.
func (w *Workloads) missingEndpoints(ctx context.Context, service *unstructured.Unstructured) string {
	var spec corev1.Service
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(service.Object, &spec); err != nil {
		return err.Error()
	}
	if len(spec.Spec.Selector) == 0 {
		return ""
	}
	pods, err := w.Pods(ctx, spec.Namespace, metav1.FormatLabelSelector(metav1.SetAsLabelSelector(spec.Spec.Selector)))
	if err != nil {
		return err.Error()
	}
	endpoints, err := w.Endpoints(ctx, spec.Namespace, spec.Name)
	if err != nil {
		return err.Error()
	}
	for _, pod := range pods {
		if missingOfPod(&pod) == "" && pod.DeletionTimestamp == nil && !anyAddress(endpoints, pod.Status.PodIP) {
			return fmt.Sprintf("Pod %s (%s) is not among its endpoints", pod.Name, pod.Status.PodIP)
		}
	}
	return ""
}

func anyAddress(slices []discoveryv1.EndpointSlice, address string) bool {
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
			if ready && len(endpoint.Addresses) > 0 && endpoint.Addresses[0] == address {
				return true
			}
		}
	}
	return false
}

// podTrouble describes why the Pods of an object are not ready.
func (w *Workloads) podTrouble(ctx context.Context, object *unstructured.Unstructured) string {
	labels, found, err := unstructured.NestedStringMap(object.Object, "spec", "selector", "matchLabels")
	if err != nil || !found {
		return ""
	}
	// The caller's context has ended: this lookup needs another, short one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	pods, err := w.Pods(ctx, object.GetNamespace(), metav1.FormatLabelSelector(metav1.SetAsLabelSelector(labels)))
	if err != nil {
		return ""
	}
	var trouble strings.Builder
	for i := range pods {
		if missingOfPod(&pods[i]) != "" {
			fmt.Fprintf(&trouble, "; Pod %s is not ready%s", pods[i].Name, troubleOf(&pods[i]))
		}
	}
	return trouble.String()
}

// troubleOf describes, from its status, why a Pod is not ready.
func troubleOf(pod *corev1.Pod) string {
	var reasons []string
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			reasons = append(reasons, condition.Message)
		}
	}
	for _, container := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		switch state := container.State; {
		case state.Waiting != nil && state.Waiting.Message != "":
			reasons = append(reasons, fmt.Sprintf("container %s: %s: %s", container.Name, state.Waiting.Reason, state.Waiting.Message))
		case state.Waiting != nil:
			reasons = append(reasons, fmt.Sprintf("container %s: %s", container.Name, state.Waiting.Reason))
		case state.Terminated != nil:
			reasons = append(reasons, fmt.Sprintf("container %s exited with code %d", container.Name, state.Terminated.ExitCode))
		case !container.Ready:
			reasons = append(reasons, fmt.Sprintf("container %s is running, but its readiness probe has not succeeded", container.Name))
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	return ": " + strings.Join(reasons, ", ")
}

// ErrNoPod is wrapped by errors about a Pod that doesn't exist.
var ErrNoPod = errors.New("no such Pod")
