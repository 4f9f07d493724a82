package apiserver

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

type schemaGroupKind = schema.GroupKind

// resource is a kind that the server stores.
type resource struct {
	name    string // plural
	kind    schema.GroupVersionKind
	cluster bool // not in namespaces
}

func resources() []resource {
	return []resource{
		{name: "namespaces", kind: schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, cluster: true},
		{name: "services", kind: schema.GroupVersionKind{Version: "v1", Kind: "Service"}},
		{name: "secrets", kind: schema.GroupVersionKind{Version: "v1", Kind: "Secret"}},
		{name: "configmaps", kind: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}},
		{name: "pods", kind: schema.GroupVersionKind{Version: "v1", Kind: "Pod"}},
		{name: "events", kind: schema.GroupVersionKind{Version: "v1", Kind: "Event"}},
		{name: "deployments", kind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}},
		{name: "ingresses", kind: schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}},
		{name: "ingressclasses", kind: schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "IngressClass"}, cluster: true},
		{name: "endpointslices", kind: schema.GroupVersionKind{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"}},
	}
}

func resourceOf(kind schema.GroupVersionKind) (resource, bool) {
	all := resources()
	i := slices.IndexFunc(all, func(r resource) bool { return r.kind == kind })
	if i < 0 {
		return resource{}, false
	}
	return all[i], true
}

// target is what the path of a request names.
type target struct {
	resource
	key
	subresource string
	rest        string // of the path after a subresource
}

// parsePath parses /api/v1/… and /apis/GROUP/VERSION/…, as client-go writes them.
func parsePath(path string) (target, error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var group string
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		group, parts = parts[1], parts[3:]
	default:
		return target{}, unsupported("the path %s of the API server", path)
	}
	var namespace string
	if len(parts) > 2 && parts[0] == "namespaces" {
		namespace, parts = parts[1], parts[2:]
	}
	for _, r := range resources() {
		if r.name != parts[0] || r.kind.Group != group {
			continue
		}
		found := target{resource: r, key: key{resource: r.name, namespace: namespace}}
		if len(parts) > 1 {
			found.key.name = parts[1]
		}
		if len(parts) > 2 {
			found.subresource, found.rest = parts[2], strings.Join(parts[3:], "/")
		}
		return found, nil
	}
	return target{}, unsupported("the resource %s of the API server", parts[0])
}
