package apiserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/scheme"
)

// Objects are those of a server while no one else changes them.
type Objects struct{ server *Server }

// List returns the objects of a resource, such as "pods", by namespace and name. They must not be changed.
func (o *Objects) List(resource string) []*unstructured.Unstructured {
	return o.server.list(key{resource: resource}, labels.Everything())
}

// list is List in a namespace, or in all if it is "", for some labels.
func (s *Server) list(in key, selector labels.Selector) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, k := range slices.SortedFunc(maps.Keys(s.stored), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	}) {
		object := s.stored[k]
		if k.resource == in.resource && (in.namespace == "" || k.namespace == in.namespace) && selector.Matches(labels.Set(object.GetLabels())) {
			found = append(found, object)
		}
	}
	return found
}

// Typed converts the objects of a resource.
func Typed[T any](o *Objects, resource string) ([]*T, error) {
	var all []*T
	for _, object := range o.List(resource) {
		typed := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
			return nil, fmt.Errorf("reading %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
		}
		all = append(all, typed)
	}
	return all, nil
}

// Put stores an object of a Go type in the place of one of its name.
func (o *Objects) Put(object runtime.Object) error {
	kinds, _, err := scheme.Scheme.ObjectKinds(object)
	if err != nil {
		return fmt.Errorf("storing an object: %w", err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return fmt.Errorf("storing a %s: %w", kinds[0].Kind, err)
	}
	untyped := &unstructured.Unstructured{Object: fields}
	untyped.SetGroupVersionKind(kinds[0])
	found, ok := resourceOf(kinds[0])
	if !ok {
		return unsupported("objects of the kind %s", kinds[0].Kind)
	}
	o.server.store(key{found.name, untyped.GetNamespace(), untyped.GetName()}, untyped)
	return nil
}

// SetStatus replaces the status of an object, if it still exists.
func (o *Objects) SetStatus(resource string, name types.NamespacedName, status map[string]any) {
	k := key{resource, name.Namespace, name.Name}
	if held := o.server.stored[k]; held != nil {
		changed := held.DeepCopy()
		changed.Object["status"] = status
		o.server.store(k, changed)
	}
}

// Delete removes an object, if it exists.
func (o *Objects) Delete(resource string, name types.NamespacedName) {
	o.server.remove(key{resource, name.Namespace, name.Name})
}

// store completes an object's metadata and keeps it. The object must not be changed any more.
func (s *Server) store(k key, object *unstructured.Unstructured) {
	if object.GetUID() == "" {
		object.SetUID(uuid.NewUUID())
	}
	if object.GetCreationTimestamp().Time.IsZero() {
		_ = unstructured.SetNestedField(object.Object, now(), "metadata", "creationTimestamp") // metadata is an object: it has a name
	}
	object.SetResourceVersion(s.next())
	s.stored[k] = object
}

// remove removes an object, and all in it if it is a namespace.
func (s *Server) remove(k key) {
	delete(s.stored, k)
	if k.resource != "namespaces" {
		return
	}
	for other := range s.stored {
		if other.namespace == k.name {
			delete(s.stored, other)
		}
	}
}
