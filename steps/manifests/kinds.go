package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// newTyped returns an empty object of a kind that affects requests.
func newTyped(kind schema.GroupVersionKind) (object runtime.Object, isNamespaced, ok bool) {
	switch kind {
	case networkingv1.SchemeGroupVersion.WithKind("Ingress"):
		return &networkingv1.Ingress{}, true, true
	case networkingv1.SchemeGroupVersion.WithKind("IngressClass"):
		return &networkingv1.IngressClass{}, false, true
	case corev1.SchemeGroupVersion.WithKind("Service"):
		return &corev1.Service{}, true, true
	case corev1.SchemeGroupVersion.WithKind("Secret"):
		return &corev1.Secret{}, true, true
	case corev1.SchemeGroupVersion.WithKind("ConfigMap"):
		return &corev1.ConfigMap{}, true, true
	case discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"):
		return &discoveryv1.EndpointSlice{}, true, true
	}
	return nil, false, false
}

// outdated reports whether a kind is an Ingress of an API that Kubernetes has removed.
func outdated(kind schema.GroupVersionKind) bool {
	return (kind.Kind == "Ingress" || kind.Kind == "IngressClass") &&
		(kind.Group == "extensions" || kind.Group == networkingv1.GroupName)
}

// noteSkipped counts the objects of other kinds in a note.
func (r *reader) noteSkipped() {
	if len(r.skipped) == 0 {
		return
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(r.skipped)) {
		kinds = append(kinds, fmt.Sprintf("%s (%d)", kind, r.skipped[kind]))
	}
	r.set.Notes = append(r.set.Notes, "skipped, because they have no effect here: "+strings.Join(kinds, ", "))
}

// invalid returns why the API server would reject an object, for common mistakes; "" if it would not.
func invalid(object runtime.Object) string {
	ingress, ok := object.(*networkingv1.Ingress)
	if !ok {
		return ""
	}
	if ingress.Spec.DefaultBackend == nil && len(ingress.Spec.Rules) == 0 {
		return "spec needs rules or a defaultBackend"
	}
	if text := invalidBackend("spec.defaultBackend", ingress.Spec.DefaultBackend); text != "" {
		return text
	}
	for i, rule := range ingress.Spec.Rules {
		host := strings.TrimPrefix(rule.Host, "*.")
		if faults := validation.IsDNS1123Subdomain(host); rule.Host != "" && len(faults) > 0 {
			return fmt.Sprintf("spec.rules[%d].host: %q is not a DNS name in lower case, nor one after \"*.\"", i, rule.Host)
		}
		if rule.HTTP == nil {
			continue
		}
		for j := range rule.HTTP.Paths {
			if text := invalidPath(fmt.Sprintf("spec.rules[%d].http.paths[%d]", i, j), &rule.HTTP.Paths[j]); text != "" {
				return text
			}
		}
	}
	return ""
}

func invalidPath(field string, path *networkingv1.HTTPIngressPath) string {
	kinds := []networkingv1.PathType{
		networkingv1.PathTypeExact, networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific,
	}
	switch {
	case path.PathType == nil:
		return field + ".pathType is required: give Prefix, Exact or ImplementationSpecific"
	case !slices.Contains(kinds, *path.PathType):
		return fmt.Sprintf("%s.pathType: %q is not Prefix, Exact or ImplementationSpecific", field, *path.PathType)
	case *path.PathType != networkingv1.PathTypeImplementationSpecific && !strings.HasPrefix(path.Path, "/"):
		return fmt.Sprintf("%s.path: %q does not begin with a slash", field, path.Path)
	case path.Path != "" && !strings.HasPrefix(path.Path, "/"):
		return fmt.Sprintf("%s.path: %q does not begin with a slash", field, path.Path)
	}
	return invalidBackend(field+".backend", &path.Backend)
}

func invalidBackend(field string, backend *networkingv1.IngressBackend) string {
	switch {
	case backend == nil:
		return ""
	case backend.Service == nil && backend.Resource == nil:
		return field + " needs a service"
	case backend.Service != nil && backend.Service.Name == "":
		return field + ".service needs a name"
	case backend.Service != nil && (backend.Service.Port.Number == 0) == (backend.Service.Port.Name == ""):
		return field + ".service.port needs a number or a name"
	}
	return ""
}

// complete sets what the API server would set.
func complete(object runtime.Object) {
	switch o := object.(type) {
	case *corev1.Service:
		if o.Spec.Type == "" {
			o.Spec.Type = corev1.ServiceTypeClusterIP
		}
		for i := range o.Spec.Ports {
			if port := &o.Spec.Ports[i]; port.Protocol == "" {
				port.Protocol = corev1.ProtocolTCP
			}
		}
	case *corev1.Secret:
		for key, value := range o.StringData {
			if o.Data == nil {
				o.Data = map[string][]byte{}
			}
			o.Data[key] = []byte(value)
		}
		o.StringData = nil
	}
}
