package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// maxCopies bounds the copies of an Ingress.
	maxCopies = 1000
	// copyLabel marks them.
	copyLabel = "testbed.local/copy-of"
	// copiesTimeout bounds the wait until they are gone.
	copiesTimeout = 30 * time.Second
)

// changeSteps change what serves requests, while others are made.
type changeSteps struct {
	objects    *objects.API
	controller Controller
}

func (c changeSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the Deployment "([^"]*)" is rolled out again`,
			Example: `the Deployment "shop" is rolled out again`,
			Handler: func(ctx context.Context, name string) error {
				namespace, name := world.From(ctx).Qualify(name)
				return c.rollOut(ctx, namespace, name)
			},
		},
		{
			Pattern: `the Deployment "([^"]*)" is scaled to (\d+) Pods?`,
			Example: `the Deployment "shop" is scaled to 3 Pods`,
			Handler: c.scale,
		},
		{
			Pattern: `a Pod of "([^"]*)" is killed`,
			Example: `a Pod of "shop" is killed`,
			Handler: c.killOf,
		},
		{
			Pattern: `the annotation "([^"]*)" of the Ingress "([^"]*)" is set to "([^"]*)"`,
			Example: `the annotation "nginx.ingress.kubernetes.io/canary-weight" of the Ingress "canary" is set to "20"`,
			Handler: annotate,
		},
		{
			Pattern: `(\d+) copies of the Ingress "([^"]*)" are created and deleted`,
			Example: `100 copies of the Ingress "shop" are created and deleted`,
			Handler: c.copies,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `the ingress controller is rolled out again`,
			Example: `the ingress controller is rolled out again`,
			Handler: c.rollOutController,
			Uses:    vocabulary.Cluster,
		},
		{
			Pattern: `a Pod of the ingress controller is killed`,
			Example: `a Pod of the ingress controller is killed`,
			Handler: c.killController,
			Uses:    vocabulary.Cluster,
		},
	}
}

// rollOut replaces the Pods of a Deployment, as kubectl rollout restart does, and waits until the new ones are available
// and the old ones are gone.
func (c changeSteps) rollOut(ctx context.Context, namespace, name string) error {
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
	_, err := c.objects.Workloads.Clientset.AppsV1().Deployments(namespace).Patch(ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("rolling out Deployment %s/%s: %w", namespace, name, err)
	}
	return c.waitDeployment(ctx, namespace, name)
}

func (c changeSteps) scale(ctx context.Context, deployment string, pods int) error {
	namespace, name := world.From(ctx).Qualify(deployment)
	patch := fmt.Sprintf(`{"spec":{"replicas":%d}}`, pods)
	_, err := c.objects.Workloads.Clientset.AppsV1().Deployments(namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "scale")
	if err != nil {
		return fmt.Errorf("scaling Deployment %s/%s: %w", namespace, name, err)
	}
	return c.waitDeployment(ctx, namespace, name)
}

func (c changeSteps) waitDeployment(ctx context.Context, namespace, name string) error {
	ctx, cancel := context.WithTimeout(ctx, objects.ReadyTimeout)
	defer cancel()
	deployment := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"namespace": namespace, "name": name},
	}}
	return c.objects.WaitReady(ctx, deployment)
}

// killOf kills a Pod of a Deployment and waits until another one has taken its place.
func (c changeSteps) killOf(ctx context.Context, deployment string) error {
	namespace, name := world.From(ctx).Qualify(deployment)
	pods, err := c.objects.Workloads.PodsOf(ctx, namespace, name)
	if err != nil {
		return err
	}
	if err := c.kill(ctx, pods[0]); err != nil {
		return err
	}
	return c.waitDeployment(ctx, namespace, name)
}

// kill ends a Pod's processes at once, without a signal that they could react to.
func (c changeSteps) kill(ctx context.Context, pod corev1.Pod) error {
	now := int64(0)
	err := c.objects.Workloads.Clientset.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil {
		return fmt.Errorf("killing Pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

// annotate sets an annotation of an Ingress that the scenario has applied.
func annotate(ctx context.Context, annotation, name, value string) error {
	namespace := world.From(ctx).Namespace
	applied, found := namespace.Applied("Ingress", name)
	if !found {
		return fmt.Errorf("the scenario has applied no Ingress %q", name)
	}
	changed := unapplied(applied)
	annotations := changed.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotation] = value
	changed.SetAnnotations(annotations)
	_, err := namespace.Apply(ctx, changed)
	return err
}

// unapplied is a copy of an object without what the API server has added.
func unapplied(object *unstructured.Unstructured) *unstructured.Unstructured {
	copied := object.DeepCopy()
	copied.SetManagedFields(nil)
	copied.SetResourceVersion("")
	copied.SetUID("")
	copied.SetGeneration(0)
	copied.SetCreationTimestamp(metav1.Time{})
	unstructured.RemoveNestedField(copied.Object, "status")
	return copied
}

// copies creates copies of an Ingress, each for hosts of its own, and deletes them.
func (c changeSteps) copies(ctx context.Context, count int, name string) error {
	if count < 1 || count > maxCopies {
		return fmt.Errorf("there can be 1 to %d copies, not %d", maxCopies, count)
	}
	scenario := world.From(ctx)
	applied, found := scenario.Namespace.Applied("Ingress", name)
	if !found {
		return fmt.Errorf("the scenario has applied no Ingress %q", name)
	}
	for i := range count {
		copied := unapplied(applied)
		copied.SetName(fmt.Sprintf("%s-copy-%d", name, i+1))
		copied.SetLabels(map[string]string{copyLabel: name})
		if err := moveHosts(copied, fmt.Sprintf("copy-%d.", i+1)); err != nil {
			return err
		}
		if _, err := scenario.Namespace.Apply(ctx, copied); err != nil {
			return err
		}
	}
	ingresses := c.objects.Workloads.Clientset.NetworkingV1().Ingresses(scenario.Namespace.Name)
	selected := metav1.ListOptions{LabelSelector: copyLabel + "=" + name}
	if err := ingresses.DeleteCollection(ctx, metav1.DeleteOptions{}, selected); err != nil {
		return fmt.Errorf("deleting the copies of Ingress %s: %w", name, err)
	}
	return scenario.Eventually(ctx, copiesTimeout, func(ctx context.Context) error {
		left, err := ingresses.List(ctx, selected)
		if err != nil {
			return fmt.Errorf("listing the copies of Ingress %s: %w", name, err)
		}
		if len(left.Items) > 0 {
			return fmt.Errorf("%d copies of Ingress %s still exist", len(left.Items), name)
		}
		return nil
	})
}

// moveHosts puts a prefix before each host of an Ingress.
func moveHosts(ingress *unstructured.Unstructured, prefix string) error {
	rules, found, err := unstructured.NestedSlice(ingress.Object, "spec", "rules")
	if err != nil || !found {
		return errors.Join(err, errors.New("an Ingress can be copied only if its rules have hosts"))
	}
	for _, rule := range rules {
		fields, _ := rule.(map[string]any)
		host, _ := fields["host"].(string)
		if host == "" {
			return errors.New("an Ingress can be copied only if its rules have hosts")
		}
		fields["host"] = prefix + host
	}
	return unstructured.SetNestedSlice(ingress.Object, rules, "spec", "rules")
}

// controllerDeployment returns a Pod of the controller and the Deployment that it belongs to.
func (c changeSteps) controllerDeployment(ctx context.Context) (pod corev1.Pod, deployment string, err error) {
	if pod, err = c.controller.Pod(ctx); err != nil {
		return pod, "", err
	}
	for _, owner := range pod.OwnerReferences {
		if owner.Kind != "ReplicaSet" {
			continue
		}
		set, err := c.objects.Workloads.Clientset.AppsV1().ReplicaSets(pod.Namespace).Get(ctx, owner.Name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return pod, "", fmt.Errorf("finding the Deployment of the ingress controller: %w", err)
		}
		for _, owner := range set.OwnerReferences {
			if owner.Kind == "Deployment" {
				return pod, owner.Name, nil
			}
		}
	}
	return pod, "", fmt.Errorf("the Pod %s of the ingress controller doesn't belong to a Deployment", pod.Name)
}

func (c changeSteps) rollOutController(ctx context.Context) error {
	pod, deployment, err := c.controllerDeployment(ctx)
	if err != nil {
		return err
	}
	c.controller.Recheck()
	return c.rollOut(ctx, pod.Namespace, deployment)
}

func (c changeSteps) killController(ctx context.Context) error {
	pod, deployment, err := c.controllerDeployment(ctx)
	if err != nil {
		return err
	}
	c.controller.Recheck()
	if err := c.kill(ctx, pod); err != nil {
		return err
	}
	return c.waitDeployment(ctx, pod.Namespace, deployment)
}
