package kubeconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

func TestPrepare(t *testing.T) {
	config := Config{Run: "r", ImageRegistry: "registry.test/place"}
	for name, c := range map[string]struct{ given, want string }{
		"without a namespace": {
			`{kind: IngressClass, metadata: {name: a, labels: {b: c}}}`,
			`{kind: IngressClass, metadata: {name: a, labels: {b: c, testbed.local/run: r}}}`,
		},
		"in a namespace": {
			`{kind: ConfigMap, metadata: {name: a, namespace: ns}}`,
			`{kind: ConfigMap, metadata: {name: a, namespace: ns}}`,
		},
		"a webhook": {
			`{kind: ValidatingWebhookConfiguration, metadata: {name: a}, webhooks: [{name: w, namespaceSelector: {}}]}`,
			`{kind: ValidatingWebhookConfiguration, metadata: {name: a, labels: {testbed.local/run: r}},
			  webhooks: [{name: w, namespaceSelector: {matchLabels: {testbed.local/run: r}}}]}`,
		},
		"a Pod": {
			`{kind: Pod, metadata: {name: a, namespace: ns}, spec: {containers: [{image: testbed.local/backends:dev}, {image: nginx:1}]}}`,
			`{kind: Pod, metadata: {name: a, namespace: ns}, spec: {containers: [{image: registry.test/place/backends:dev}, {image: nginx:1}]}}`,
		},
		"a Deployment": {
			`{kind: Deployment, metadata: {name: a, namespace: ns}, spec: {template: {spec: {initContainers: [{image: testbed.local/backends:dev}]}}}}`,
			`{kind: Deployment, metadata: {name: a, namespace: ns}, spec: {template: {spec: {initContainers: [{image: registry.test/place/backends:dev}]}}}}`,
		},
		"containers that are none": {
			`{kind: Pod, metadata: {name: a, namespace: ns}, spec: {containers: [1, {image: 2}]}}`,
			`{kind: Pod, metadata: {name: a, namespace: ns}, spec: {containers: [1, {image: 2}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := object(t, c.given)
			// What is decoded by the API's own decoder has no floats for integers.
			config.Prepare(normal(got))
			if diff := cmp.Diff(normal(object(t, c.want)).Object, got.Object); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// normal turns numbers into int64, as in objects that came from manifests.
func normal(object *unstructured.Unstructured) *unstructured.Unstructured {
	var walk func(any) any
	walk = func(value any) any {
		switch value := value.(type) {
		case map[string]any:
			for key := range value {
				value[key] = walk(value[key])
			}
		case []any:
			for i := range value {
				value[i] = walk(value[i])
			}
		case float64:
			return int64(value)
		}
		return value
	}
	walk(object.Object)
	return object
}
