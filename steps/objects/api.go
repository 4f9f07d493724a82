// Package objects applies manifests to a cluster, waits until the objects are ready, and deletes them again.
package objects

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

const (
	// fieldManager is the manager of the fields that the test-bed applies (Kubernetes documentation, "Server-Side Apply").
	fieldManager = "ingress-testbed"
	// pollInterval is short because the waits of a scenario add up, and the API server has little other load.
	pollInterval = 50 * time.Millisecond
)

// API applies, reads and deletes the objects of a cluster.
type API struct {
	Workloads Workloads
	Dynamic   dynamic.Interface
	Mapper    meta.RESTMapper
	// Prepare changes an object before it is applied, to add labels for example. The namespace of a namespaced object is
	// set by then. Nil changes nothing.
	Prepare func(*unstructured.Unstructured)
	// Progress is called with what a wait is for, if it takes more than a few seconds. Nil reports nothing.
	Progress func(string)
}

// Connect creates an API from a kubeconfig file. It makes no request.
func Connect(kubeconfig string) (*API, error) {
	config, clientset, err := kubeclient.Connect(kubeconfig, kubeclient.Options{
		QPS: 200, Burst: 400, Timeout: 30 * time.Second, UserAgent: fieldManager,
		Warnings: rest.NoWarnings{}, // they would be printed between the lines of the progress display
	})
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a Kubernetes client: %w", err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(clientset.Discovery()))
	return &API{Workloads: Workloads{Config: config, Clientset: clientset}, Dynamic: dynamicClient, Mapper: mapper}, nil
}

// resource returns the client for an object's kind, in the object's namespace or, if it has none, in the given one.
func (a *API) resource(object *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := a.Mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, fmt.Errorf("the cluster has no kind %s in %s: %w", kind.Kind, kind.GroupVersion(), err)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return a.Dynamic.Resource(mapping.Resource), nil
	}
	if object.GetNamespace() == "" {
		object.SetNamespace(namespace)
	}
	return a.Dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
}

// Place sets the namespace of an object that has none, if objects of its kind have one.
func (a *API) Place(object *unstructured.Unstructured, namespace string) error {
	if _, err := a.resource(object, namespace); err != nil {
		return fmt.Errorf("placing %s in namespace %s: %w", Name(object), namespace, err)
	}
	return nil
}

// Apply creates or updates an object by a forced server-side apply, and returns it as stored by the API server. An
// object without a namespace is applied in the given one.
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

// WebhookUnreachable reports whether an error of Apply is that the API server didn't get the answer of an admission webhook.
func WebhookUnreachable(err error) bool {
	return apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook")
}

// ErrForeign is wrapped by errors about an object that exists and was not created by the test-bed.
var ErrForeign = errors.New("it was not created by the test-bed and is left unchanged")

// CheckOwned returns nil if the object doesn't exist or was applied by the test-bed, in this run or an earlier one, and
// an error that wraps ErrForeign if it was not created by the test-bed. An object without a namespace is looked up in the given
// one.
func (a *API) CheckOwned(ctx context.Context, object *unstructured.Unstructured, namespace string) error {
	resource, err := a.resource(object, namespace)
	if err != nil {
		return fmt.Errorf("reading %s: %w", Name(object), err)
	}
	found, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", Name(object), err)
	}
	for _, fields := range found.GetManagedFields() {
		if fields.Manager == fieldManager {
			return nil
		}
	}
	return fmt.Errorf("%s already exists: %w", Name(object), ErrForeign)
}

// Get returns the current state of an object.
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

// Delete deletes objects, the last one first, and waits until they and their dependents are gone. Objects that don't
// exist are skipped. An error with one object doesn't keep it from deleting the others.
func (a *API) Delete(ctx context.Context, objects []*unstructured.Unstructured) error {
	return errors.Join(a.StartDelete(ctx, objects), a.WaitGone(ctx, objects))
}

// StartDelete is Delete without the wait.
func (a *API) StartDelete(ctx context.Context, objects []*unstructured.Unstructured) error {
	return a.deleteAll(ctx, objects, propagationOf)
}

// Discard is StartDelete for objects in a namespace that is not used again. Their dependents may be deleted after them, which saves
// the API server some requests for each.
func (a *API) Discard(ctx context.Context, objects []*unstructured.Unstructured) error {
	return a.deleteAll(ctx, objects, func(*unstructured.Unstructured) metav1.DeletionPropagation { return metav1.DeletePropagationBackground })
}

func (a *API) deleteAll(
	ctx context.Context, objects []*unstructured.Unstructured, propagation func(*unstructured.Unstructured) metav1.DeletionPropagation,
) error {
	var problems []error
	for i := len(objects) - 1; i >= 0; i-- {
		err := a.delete(ctx, objects[i], propagation(objects[i]))
		problems = append(problems, err)
		if unreachable(ctx, err) {
			return withOthers(errors.Join(problems...), i)
		}
	}
	return errors.Join(problems...)
}

// unreachable reports whether other objects would have the same error, because the API server can't be reached or the time is over.
func unreachable(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || utilnet.IsConnectionRefused(err))
}

// withOthers adds how many other objects an error is about.
func withOthers(err error, others int) error {
	if others == 0 {
		return err
	}
	return fmt.Errorf("%w; %d other objects were not tried", err, others)
}

func (a *API) delete(ctx context.Context, object *unstructured.Unstructured, propagation metav1.DeletionPropagation) error {
	resource, err := a.resource(object, object.GetNamespace())
	if err != nil {
		return fmt.Errorf("deleting %s: %w", Name(object), err)
	}
	err = resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &propagation})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s: %w", Name(object), err)
	}
	return nil
}

// propagationOf is how the dependents of an object are deleted. With foreground deletion, an object is gone only once they are, such as
// a Deployment's Pods. That costs the garbage collector some requests for each object, so that what runs no Pods does without.
func propagationOf(object *unstructured.Unstructured) metav1.DeletionPropagation {
	switch object.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: networkingv1.GroupName, Kind: "Ingress"}, schema.GroupKind{Group: discoveryv1.GroupName, Kind: "EndpointSlice"},
		schema.GroupKind{Group: corev1.GroupName, Kind: "Namespace"}, schema.GroupKind{Group: corev1.GroupName, Kind: "ConfigMap"},
		schema.GroupKind{Group: corev1.GroupName, Kind: "Secret"}:
		return metav1.DeletePropagationBackground
	default:
		return metav1.DeletePropagationForeground
	}
}

// WaitGone waits until objects that are being deleted are gone.
func (a *API) WaitGone(ctx context.Context, objects []*unstructured.Unstructured) error {
	var problems []error
	for i, object := range objects {
		err := a.waitGone(ctx, object)
		problems = append(problems, err)
		if unreachable(ctx, err) {
			return withOthers(errors.Join(problems...), len(objects)-1-i)
		}
	}
	return errors.Join(problems...)
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

// Name returns an object's kind and name for messages: "Deployment default/deploy1-websrv".
func Name(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
