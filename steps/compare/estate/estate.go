// Package estate holds the objects of a user that decide what happens to requests: Ingresses, the Services that they name,
// and the settings of their controller. It never holds the data of a Secret.
package estate

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// Prefix of ingress-nginx's annotations, with the slash.
	Prefix = "nginx.ingress.kubernetes.io/"
	// classAnnotation named the class before Ingress had a field for it.
	classAnnotation = "kubernetes.io/ingress.class"
)

// Estate is a set of objects. Its objects are copies, and may be changed.
type Estate struct {
	// Ingresses, the oldest first; those of the same age in the order of the input.
	Ingresses  []*networkingv1.Ingress
	Services   map[types.NamespacedName]*corev1.Service
	ConfigMaps map[types.NamespacedName]*corev1.ConfigMap
	// Settings is the ConfigMap of the controller; nil if there is none.
	Settings *corev1.ConfigMap
}

// Options of New.
type Options struct {
	// Class selects Ingresses; "" selects all.
	Class string
	// Settings names the controller's ConfigMap.
	Settings types.NamespacedName
}

// New sorts objects by kind. Those of other kinds than an Estate holds are left out, Secrets in particular. Objects without a
// namespace are in "default".
func New(objects []runtime.Object, options Options) *Estate {
	e := &Estate{Services: map[types.NamespacedName]*corev1.Service{}, ConfigMaps: map[types.NamespacedName]*corev1.ConfigMap{}}
	seen := map[types.NamespacedName]bool{}
	for _, object := range objects {
		switch o := object.(type) {
		case *networkingv1.Ingress:
			copied := o.DeepCopy()
			name := nameOf(copied)
			if (options.Class == "" || Class(copied) == options.Class) && !seen[name] {
				seen[name] = true
				e.Ingresses = append(e.Ingresses, copied)
			}
		case *corev1.Service:
			copied := o.DeepCopy()
			e.Services[nameOf(copied)] = copied
		case *corev1.ConfigMap:
			copied := o.DeepCopy()
			name := nameOf(copied)
			e.ConfigMaps[name] = copied
			if name == options.Settings {
				e.Settings = copied
			}
		}
	}
	slices.SortStableFunc(e.Ingresses, func(a, b *networkingv1.Ingress) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return e
}

// nameOf returns the name of an object, after it has set a missing namespace.
func nameOf(object metav1.Object) types.NamespacedName {
	object.SetNamespace(cmp.Or(object.GetNamespace(), metav1.NamespaceDefault))
	return Key(object)
}

// Key is the namespace and name of an object.
func Key(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// Class is the class that an Ingress names, in either way; "" if it names none.
func Class(ingress *networkingv1.Ingress) string {
	if class := ingress.Annotations[classAnnotation]; class != "" {
		return class
	}
	if ingress.Spec.IngressClassName != nil {
		return *ingress.Spec.IngressClassName
	}
	return ""
}

// SetClass replaces the class of an Ingress.
func SetClass(ingress *networkingv1.Ingress, class string) {
	delete(ingress.Annotations, classAnnotation)
	ingress.Spec.IngressClassName = &class
}

// Annotation returns the value of one of ingress-nginx's annotations, and whether it is given.
func Annotation(ingress *networkingv1.Ingress, name string) (string, bool) {
	value, given := ingress.Annotations[Prefix+name]
	return strings.TrimSpace(value), given
}

// Backends lists the backends of an Ingress, its default backend last.
func Backends(ingress *networkingv1.Ingress) []networkingv1.IngressBackend {
	var all []networkingv1.IngressBackend
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP != nil {
			for _, path := range rule.HTTP.Paths {
				all = append(all, path.Backend)
			}
		}
	}
	if ingress.Spec.DefaultBackend != nil {
		all = append(all, *ingress.Spec.DefaultBackend)
	}
	return all
}

// SecretName reads the value of an annotation that names a Secret: "name", or "namespace/name".
func SecretName(text, namespace string) (types.NamespacedName, bool) {
	first, second, found := strings.Cut(strings.TrimSpace(text), "/")
	if !found {
		first, second = namespace, first
	}
	return types.NamespacedName{Namespace: first, Name: second}, first != "" && second != "" && !strings.Contains(second, "/")
}

// Prefixed returns a copy whose namespaces have a prefix, also in annotations and settings that name objects as namespace/name.
func (e *Estate) Prefixed(prefix string) *Estate {
	namespaces := map[string]bool{}
	for _, ingress := range e.Ingresses {
		namespaces[ingress.Namespace] = true
	}
	for name := range e.Services {
		namespaces[name.Namespace] = true
	}
	for name := range e.ConfigMaps {
		namespaces[name.Namespace] = true
	}
	rename := func(settings map[string]string) {
		for name, value := range settings {
			if namespace, rest, found := strings.Cut(strings.TrimSpace(value), "/"); found && namespaces[namespace] && !strings.ContainsAny(rest, "/ ,\n") {
				settings[name] = prefix + namespace + "/" + rest
			}
		}
	}
	renamed := &Estate{Services: map[types.NamespacedName]*corev1.Service{}, ConfigMaps: map[types.NamespacedName]*corev1.ConfigMap{}}
	for _, original := range e.Ingresses {
		ingress := original.DeepCopy()
		ingress.Namespace = prefix + ingress.Namespace
		rename(ingress.Annotations)
		renamed.Ingresses = append(renamed.Ingresses, ingress)
	}
	for _, original := range e.Services {
		service := original.DeepCopy()
		service.Namespace = prefix + service.Namespace
		renamed.Services[Key(service)] = service
	}
	for _, original := range e.ConfigMaps {
		configMap := original.DeepCopy()
		configMap.Namespace = prefix + configMap.Namespace
		renamed.ConfigMaps[Key(configMap)] = configMap
		if original == e.Settings {
			rename(configMap.Data)
			renamed.Settings = configMap
		}
	}
	return renamed
}
