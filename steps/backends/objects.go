package backends

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func deploymentOf(wanted key) *unstructured.Unstructured {
	labels := map[string]any{"app": wanted.deployment()}
	arguments := []any{string(wanted.kind)}
	if wanted.kind == Echo {
		arguments = append(arguments, "--server-version", wanted.service)
	}
	container := map[string]any{
		"name": string(wanted.kind), "image": image, "imagePullPolicy": "IfNotPresent",
		"args":  arguments,
		"ports": []any{map[string]any{"name": "web", "containerPort": int64(port)}},
		"readinessProbe": map[string]any{
			"tcpSocket": map[string]any{"port": "web"}, "periodSeconds": int64(1),
		},
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": wanted.deployment()},
		"spec": map[string]any{
			"replicas": int64(wanted.pods),
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"terminationGracePeriodSeconds": int64(0), "containers": []any{container}},
			},
		},
	}}
}

// serviceOf has no selector: its endpoints are in another namespace.
func serviceOf(kind Kind, name string) *unstructured.Unstructured {
	ports := []any{map[string]any{"name": "http", "port": int64(80), "targetPort": int64(port)}}
	if kind == Extra {
		ports = append(ports, map[string]any{"name": "https", "port": int64(443), "targetPort": int64(securePort)})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": name}, "spec": map[string]any{"ports": ports},
	}}
}

// endpointsOf returns the EndpointSlice of a Service. All conditions are set: no controller does so for it.
func endpointsOf(kind Kind, service string, pods []corev1.Pod) *unstructured.Unstructured {
	family := discoveryv1.AddressTypeIPv4
	var endpoints []any
	for _, pod := range pods {
		if address, err := netip.ParseAddr(pod.Status.PodIP); err == nil && address.Is6() {
			family = discoveryv1.AddressTypeIPv6
		}
		endpoints = append(endpoints, map[string]any{
			"addresses":  []any{pod.Status.PodIP},
			"nodeName":   pod.Spec.NodeName,
			"conditions": map[string]any{"ready": true, "serving": true, "terminating": false},
		})
	}
	ports := []any{map[string]any{"name": "http", "port": int64(port), "protocol": string(corev1.ProtocolTCP)}}
	if kind == Extra {
		ports = append(ports, map[string]any{"name": "https", "port": int64(securePort), "protocol": string(corev1.ProtocolTCP)})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
		"metadata": map[string]any{
			"name": service + "-shared", "labels": map[string]any{discoveryv1.LabelServiceName: service},
		},
		"addressType": string(family),
		"endpoints":   endpoints,
		"ports":       ports,
	}}
}
