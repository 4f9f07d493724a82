package kube

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/controller/snapshot"
)

// byService indexes EndpointSlices by the Service that they belong to.
const byService = "service"

// store looks objects up in the caches of informers.
type store struct {
	ingresses, classes, services, slices, secrets cache.SharedIndexInformer
	configMaps                                    cache.SharedIndexInformer
	settings                                      map[types.NamespacedName]cache.SharedIndexInformer // of ConfigMaps elsewhere
	used                                          *usedNames
	namespaces                                    cache.SharedIndexInformer // nil if only one is watched
	names                                         *resolver
}

var _ snapshot.Store = (*store)(nil)

// informers by what they watch.
func (s *store) informers() map[string]cache.SharedIndexInformer {
	all := map[string]cache.SharedIndexInformer{
		"Ingresses": s.ingresses, "IngressClasses": s.classes, "Services": s.services, "EndpointSlices": s.slices,
		"Secrets": s.secrets, "ConfigMaps": s.configMaps,
	}
	for key, informer := range s.settings {
		all["the ConfigMap "+key.String()] = informer
	}
	if s.namespaces != nil {
		all["Namespaces"] = s.namespaces
	}
	return all
}

// Ingresses returns all but those of namespaces that are being deleted. Such a namespace may last as long as one of its
// Pods, and its Ingresses must neither be served nor keep others from using their hosts.
func (s *store) Ingresses() []*networkingv1.Ingress {
	return slices.DeleteFunc(list[*networkingv1.Ingress](s.ingresses), func(ingress *networkingv1.Ingress) bool {
		return isTerminating(get[corev1.Namespace](s.namespaces, types.NamespacedName{Name: ingress.Namespace}))
	})
}

// isTerminating reports whether an object is a namespace that is being deleted.
func isTerminating(object any) bool {
	namespace, ok := object.(*corev1.Namespace)
	return ok && namespace != nil && namespace.DeletionTimestamp != nil
}

func (s *store) IngressClasses() []*networkingv1.IngressClass {
	return list[*networkingv1.IngressClass](s.classes)
}

func (s *store) Service(key types.NamespacedName) *corev1.Service {
	return get[corev1.Service](s.services, key)
}

func (s *store) Secret(key types.NamespacedName) *corev1.Secret {
	return get[corev1.Secret](s.secrets, key)
}

func (s *store) ConfigMap(key types.NamespacedName) *corev1.ConfigMap {
	s.used.add(key)
	if found := get[corev1.ConfigMap](s.configMaps, key); found != nil {
		return found
	}
	return get[corev1.ConfigMap](s.settings[key], key)
}

func (s *store) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	found, err := s.slices.GetIndexer().ByIndex(byService, service.String())
	if err != nil {
		return nil // only if there were no such index
	}
	return as[*discoveryv1.EndpointSlice](found)
}

func (s *store) Addresses(host string) []netip.Addr { return s.names.addresses(host) }

func serviceOfSlice(object any) ([]string, error) {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil, fmt.Errorf("indexing EndpointSlices: got a %T", object)
	}
	return []string{serviceOf(slice).String()}, nil
}

// serviceOf is the Service that a slice belongs to.
func serviceOf(slice *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

func list[T any](informer cache.SharedIndexInformer) []T {
	return as[T](informer.GetStore().List())
}

func as[T any](objects []any) []T {
	typed := make([]T, 0, len(objects))
	for _, object := range objects {
		if o, ok := object.(T); ok {
			typed = append(typed, o)
		}
	}
	return typed
}

// get finds an object by name; nil if there is none, or none is watched.
func get[T any](informer cache.SharedIndexInformer, key types.NamespacedName) *T {
	if informer == nil {
		return nil
	}
	found, _, err := informer.GetStore().GetByKey(cache.NewObjectName(key.Namespace, key.Name).String())
	if err != nil {
		return nil // only for keys that are not strings
	}
	object, _ := found.(*T)
	return object
}
