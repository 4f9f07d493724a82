// Package objects applies manifests to a cluster, waits until what they describe is ready, and removes it again.
package objects

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// fieldManager owns the fields that the test-bed applies (server-side apply).
	fieldManager = "ingress-testbed"
	// pollInterval is short because the waits of a scenario add up, and a test-bed's API server has little else to do.
	pollInterval = 50 * time.Millisecond
)

// API is the access to a cluster's objects.
type API struct {
	// Config may be used to make further clients; it is nil in tests without an API server.
	Config    *rest.Config
	Clientset kubernetes.Interface
	Dynamic   dynamic.Interface
	Mapper    meta.RESTMapper
	// Prepare changes objects before they are applied, as the cluster demands it: by labels, say. A cluster-scoped object
	// has no namespace by then, any other has one. Nil changes nothing.
	Prepare func(*unstructured.Unstructured)
}

// Connect makes the clients from a kubeconfig file. It makes no request.
func Connect(kubeconfig string) (*API, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	// client-go's defaults (5 requests a second) are for controllers that share a big cluster.
	config.QPS, config.Burst = 200, 400
	config.Timeout = 30 * time.Second
	config.UserAgent = fieldManager
	config.WarningHandler = rest.NoWarnings{} // warnings are for people at a terminal, who see them with kubectl
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a Kubernetes client: %w", err)
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a Kubernetes client: %w", err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(clientset.Discovery()))
	return &API{Config: config, Clientset: clientset, Dynamic: dynamicClient, Mapper: mapper}, nil
}

// resource gives the client of an object's kind, in its namespace or, if it names none, in the given one.
func (a *API) resource(object *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := a.Mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, fmt.Errorf("the cluster doesn't know %s of %s: %w", kind.Kind, kind.GroupVersion(), err)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return a.Dynamic.Resource(mapping.Resource), nil
	}
	if object.GetNamespace() == "" {
		object.SetNamespace(namespace)
	}
	return a.Dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
}

// Apply creates or updates an object (server-side apply), in the given namespace if it names none, and returns it as
// the cluster has it. Fields that others set against the manifest are taken back.
func (a *API) Apply(ctx context.Context, object *unstructured.Unstructured, namespace string) (*unstructured.Unstructured, error) {
	resource, err := a.resource(object, namespace)
	if err != nil {
		return nil, fmt.Errorf("applying %s: %w", Name(object), err)
	}
	if a.Prepare != nil {
		object = object.DeepCopy()
		a.Prepare(object)
	}
	applied, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return nil, fmt.Errorf("applying %s: %w", Name(object), err)
	}
	return applied, nil
}

// ErrForeign is wrapped where an object is in the way that the test-bed didn't make.
var ErrForeign = errors.New("it was not made by the test-bed, and is left as it is")

// CheckOurs is an ErrForeign if the object is there already, in the given namespace if it names none, and not because
// the test-bed applied it, in this run or another. Whatever else goes wrong is an error too.
func (a *API) CheckOurs(ctx context.Context, object *unstructured.Unstructured, namespace string) error {
	resource, err := a.resource(object, namespace)
	if err != nil {
		return fmt.Errorf("looking for %s: %w", Name(object), err)
	}
	found, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for %s: %w", Name(object), err)
	}
	for _, fields := range found.GetManagedFields() {
		if fields.Manager == fieldManager {
			return nil
		}
	}
	return fmt.Errorf("%s is there already: %w", Name(object), ErrForeign)
}

// Get reads an object again.
func (a *API) Get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := a.resource(object, object.GetNamespace())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Name(object), err)
	}
	found, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Name(object), err)
	}
	return found, nil
}

// Delete removes objects, the last one first, and waits until they are gone, with all that belongs to them. Objects
// that are not there are no error. All are tried, whatever goes wrong with one.
func (a *API) Delete(ctx context.Context, objects []*unstructured.Unstructured) error {
	problems := []error{a.StartDelete(ctx, objects)}
	for _, object := range objects {
		problems = append(problems, a.waitGone(ctx, object))
	}
	return errors.Join(problems...)
}

// StartDelete is Delete without the wait.
func (a *API) StartDelete(ctx context.Context, objects []*unstructured.Unstructured) error {
	var problems []error
	for i := len(objects) - 1; i >= 0; i-- {
		problems = append(problems, a.delete(ctx, objects[i]))
	}
	return errors.Join(problems...)
}

func (a *API) delete(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := a.resource(object, object.GetNamespace())
	if err != nil {
		return fmt.Errorf("deleting %s: %w", Name(object), err)
	}
	// In the foreground, an object is gone only when those that it owns are: a Deployment's Pods, say.
	propagation := metav1.DeletePropagationForeground
	err = resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &propagation})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s: %w", Name(object), err)
	}
	return nil
}

func (a *API) waitGone(ctx context.Context, object *unstructured.Unstructured) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		_, last = a.Get(ctx, object)
		return apierrors.IsNotFound(last), nil
	})
	if err != nil {
		return fmt.Errorf("waiting until %s is gone: %w", Name(object), errors.Join(err, last))
	}
	return nil
}

// Name is how an object is spoken of: "Deployment default/deploy1-websrv".
func Name(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
