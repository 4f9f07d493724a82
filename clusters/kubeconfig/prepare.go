package kubeconfig

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// RunLabel is on the run's namespaces and on every object of a run that is not in one; its value is the run's name.
	RunLabel = "testbed.local/run"
	// ownerAnnotation identifies the process of the run, on the run's first namespace.
	ownerAnnotation = "testbed.local/owner"
)

// Prepare adapts an object to a cluster that others use too, before it is applied: it labels the object with the run,
// restricts webhooks to the run's namespaces, and renames images to those of the registry.
func (c Config) Prepare(object *unstructured.Unstructured) {
	if object.GetNamespace() == "" {
		labels := object.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[RunLabel] = c.Run
		object.SetLabels(labels)
	}
	switch object.GetKind() {
	case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration":
		restrictWebhooks(object, c.Run)
	}
	for _, path := range [][]string{
		{"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"},
	} {
		for _, list := range []string{"containers", "initContainers"} {
			c.renameImages(object, append(append([]string{}, path...), list)...)
		}
	}
}

// restrictWebhooks limits webhooks to the run's namespaces.
func restrictWebhooks(object *unstructured.Unstructured, run string) {
	webhooks, found, err := unstructured.NestedSlice(object.Object, "webhooks")
	if err != nil || !found {
		return
	}
	for _, webhook := range webhooks {
		if fields, ok := webhook.(map[string]any); ok {
			fields["namespaceSelector"] = map[string]any{"matchLabels": map[string]any{RunLabel: run}}
		}
	}
	_ = unstructured.SetNestedSlice(object.Object, webhooks, "webhooks") // it was read from there
}

func (c Config) renameImages(object *unstructured.Unstructured, path ...string) {
	containers, found, err := unstructured.NestedSlice(object.Object, path...)
	if err != nil || !found {
		return
	}
	for _, container := range containers {
		fields, ok := container.(map[string]any)
		if !ok {
			continue
		}
		if image, ok := fields["image"].(string); ok {
			fields["image"] = c.image(image)
		}
	}
	_ = unstructured.SetNestedSlice(object.Object, containers, path...) // they were read from there
}
