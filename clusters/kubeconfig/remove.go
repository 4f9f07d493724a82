package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// deletionInterval is how often a deleted object is polled until it is gone.
const deletionInterval = 100 * time.Millisecond

// orphan is an object without a namespace that a run created.
type orphan struct {
	resource schema.GroupVersionResource
	name     string
	run      string
	owner    string
}

// cleaner finds and removes the objects of runs.
type cleaner struct {
	discovery discovery.DiscoveryInterface
	metadata  metadata.Interface
}

func newCleaner(config *rest.Config) (*cleaner, error) {
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a Kubernetes client: %w", err)
	}
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating a Kubernetes client: %w", err)
	}
	return &cleaner{found, objects}, nil
}

// find lists the objects with a run's label; those of all runs if run is "".
func (c *cleaner) find(ctx context.Context, run string) ([]orphan, error) {
	resources, err := c.resources()
	if err != nil {
		return nil, err
	}
	selector := RunLabel
	if run != "" {
		selector += "=" + run
	}
	var found []orphan
	for _, resource := range resources {
		list, err := c.metadata.Resource(resource).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			continue // then the run could not create any either
		}
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", resource.Resource, err)
		}
		for _, item := range list.Items {
			found = append(found, orphan{resource, item.Name, item.Labels[RunLabel], item.Annotations[ownerAnnotation]})
		}
	}
	return found, nil
}

// resources lists the cluster-scoped resources that can be listed and deleted.
func (c *cleaner) resources() ([]schema.GroupVersionResource, error) {
	lists, err := discovery.ServerPreferredResources(c.discovery)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // an aggregated API that is down
		return nil, fmt.Errorf("discovering the cluster's resources: %w", err)
	}
	var all []schema.GroupVersionResource
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range list.APIResources {
			usable := slices.Contains(resource.Verbs, "list") && slices.Contains(resource.Verbs, "delete")
			if !resource.Namespaced && usable && !strings.Contains(resource.Name, "/") {
				all = append(all, version.WithResource(resource.Name))
			}
		}
	}
	return all, nil
}

// remove deletes the objects and waits until they are gone. Those with the owner annotation come last, so that a removal
// that is interrupted can be resumed.
func (c *cleaner) remove(ctx context.Context, found []orphan) error {
	var owned, others []orphan
	for _, one := range found {
		if one.owner != "" {
			owned = append(owned, one)
		} else {
			others = append(others, one)
		}
	}
	return errors.Join(c.removeAll(ctx, others), c.removeAll(ctx, owned))
}

func (c *cleaner) removeAll(ctx context.Context, found []orphan) error {
	var problems []error
	for _, one := range found {
		background := metav1.DeletePropagationBackground
		err := c.metadata.Resource(one.resource).Delete(ctx, one.name, metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("deleting %s %s: %w", one.resource.Resource, one.name, err))
		}
	}
	for _, one := range found {
		err := wait.PollUntilContextCancel(ctx, deletionInterval, true, func(ctx context.Context) (bool, error) {
			_, err := c.metadata.Resource(one.resource).Get(ctx, one.name, metav1.GetOptions{})
			return apierrors.IsNotFound(err), nil
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("waiting until %s %s is gone: %w", one.resource.Resource, one.name, err))
		}
	}
	return errors.Join(problems...)
}
