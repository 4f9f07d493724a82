package kubeconfig

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// RunLabel marks what a run made and isn't in one of its namespaces, and these; its value names the run.
	RunLabel = "testbed.local/run"
	// ownerAnnotation says which process is at it, on the run's first namespace.
	ownerAnnotation = "testbed.local/owner"
)

// Prepare makes an object fit for a cluster that others use too, before it is applied: it marks the object as the run's,
// keeps webhooks from having a say in namespaces of others, and names images as the cluster knows them.
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
		confine(object, c.Run)
	}
	for _, path := range [][]string{
		{"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"},
	} {
		for _, list := range []string{"containers", "initContainers"} {
			c.renameImages(object, append(append([]string{}, path...), list)...)
		}
	}
}

// confine limits webhooks to the run's namespaces.
func confine(object *unstructured.Unstructured, run string) {
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
