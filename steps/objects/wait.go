package objects

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/ingress-testbed/testbed/internal/sleep"
)

const (
	// ReadyTimeout is long enough for an object to become ready, including the start of its Pods.
	ReadyTimeout = 90 * time.Second
	// progressDelay is how long a wait may take before it is reported as progress.
	progressDelay = 3 * time.Second
)

// WaitReady waits until an object is ready: the Pods of a Deployment, DaemonSet or StatefulSet are available and no
// older ones are left, a Pod is ready, a Job is complete, a Service's ready Pods are its endpoints, an Ingress has an
// address. Objects of other kinds are ready once they exist. An object with a resource version, as Apply returns it, is judged before
// it is read again. If ctx ends first, the error says what was missing.
func (a *API) WaitReady(ctx context.Context, object *unstructured.Unstructured) error {
	if a.Progress != nil {
		report := time.AfterFunc(progressDelay, func() { a.Progress("waiting for " + Name(object)) })
		defer report.Stop()
	}
	missing, current := "it does not exist yet", object
	if object.GetResourceVersion() == "" {
		current = nil
	}
	for {
		var err error
		if current == nil {
			current, err = a.Get(ctx, object)
		}
		switch {
		case err == nil:
			if missing, err = a.awaitChanges(ctx, current); err != nil {
				return fmt.Errorf("waiting for %s: %w", Name(object), err)
			}
			if missing == "" {
				return nil
			}
		case !endsSoon(ctx): // otherwise the error is about the deadline, and what was missing before is more helpful
			missing = err.Error()
		}
		current = nil
		if err := sleep.For(ctx, pollInterval); err != nil {
			return fmt.Errorf("waiting for %s: %w: %s%s", Name(object), err, missing, a.Workloads.podTrouble(ctx, object))
		}
	}
}

// awaitChanges describes what an object lacks to be ready; "" if it is ready. It waits for that as long as it can watch the object; the
// object has to be read again then. Not to poll spares the API server the most frequent requests of all.
func (a *API) awaitChanges(ctx context.Context, object *unstructured.Unstructured) (string, error) {
	missing, err := missingOf(object)
	if err != nil || missing == "" {
		if missing == "" && isKind(object, corev1.GroupName, "Service") { // Pods and EndpointSlices are polled
			missing = a.Workloads.missingEndpoints(ctx, object)
		}
		return missing, err
	}
	changes, err := a.watch(ctx, object)
	if err != nil {
		return missing, nil //nolint:nilerr // a user may read but not watch
	}
	var invalid error
	_, _ = watchtools.UntilWithoutRetry(ctx, changes, func(event watch.Event) (bool, error) {
		changed, ok := event.Object.(*unstructured.Unstructured)
		if !ok || event.Type == watch.Deleted || changed.GetName() != object.GetName() {
			return false, nil
		}
		missing, invalid = missingOf(changed)
		return missing == "", invalid
	})
	return missing, invalid
}

// watch watches an object from the given state of it.
func (a *API) watch(ctx context.Context, object *unstructured.Unstructured) (watch.Interface, error) {
	resource, err := a.resource(object, object.GetNamespace())
	if err != nil {
		return nil, err
	}
	changes, err := resource.Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, object.GetName()).String(), ResourceVersion: object.GetResourceVersion(),
	})
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", Name(object), err)
	}
	return changes, nil
}

// endsSoon reports whether the deadline is so near that client-go's rate limiter refuses to send requests.
func endsSoon(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < pollInterval
}
