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

// gonePoll is how often is looked whether something deleted is gone.
const gonePoll = 100 * time.Millisecond

// remnant is an object without a namespace that a run made.
type remnant struct {
	resource schema.GroupVersionResource
	name     string
	run      string
	owner    string
}

// broom finds and removes what runs made.
type broom struct {
	discovery discovery.DiscoveryInterface
	metadata  metadata.Interface
}

func newBroom(config *rest.Config) (*broom, error) {
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a Kubernetes client: %w", err)
	}
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a Kubernetes client: %w", err)
	}
	return &broom{found, objects}, nil
}

// find lists what carries a run's label; of all runs if run is "".
func (b *broom) find(ctx context.Context, run string) ([]remnant, error) {
	resources, err := b.resources()
	if err != nil {
		return nil, err
	}
	selector := RunLabel
	if run != "" {
		selector += "=" + run
	}
	var found []remnant
	for _, resource := range resources {
		list, err := b.metadata.Resource(resource).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			continue // nor could the run have made any
		}
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", resource.Resource, err)
		}
		for _, item := range list.Items {
			found = append(found, remnant{resource, item.Name, item.Labels[RunLabel], item.Annotations[ownerAnnotation]})
		}
	}
	return found, nil
}

// resources are the kinds without namespaces that can be listed and deleted.
func (b *broom) resources() ([]schema.GroupVersionResource, error) {
	lists, err := discovery.ServerPreferredResources(b.discovery)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // an aggregated API that is down is not ours
		return nil, fmt.Errorf("asking the cluster what kinds of objects it has: %w", err)
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

// remove deletes what was found and waits until it is gone. What says whose it is goes last, so that a removal that is
// broken off can be taken up again.
func (b *broom) remove(ctx context.Context, found []remnant) error {
	var owned, others []remnant
	for _, one := range found {
		if one.owner != "" {
			owned = append(owned, one)
		} else {
			others = append(others, one)
		}
	}
	return errors.Join(b.removeAll(ctx, others), b.removeAll(ctx, owned))
}

func (b *broom) removeAll(ctx context.Context, found []remnant) error {
	var problems []error
	for _, one := range found {
		background := metav1.DeletePropagationBackground
		err := b.metadata.Resource(one.resource).Delete(ctx, one.name, metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("deleting %s %s: %w", one.resource.Resource, one.name, err))
		}
	}
	for _, one := range found {
		err := wait.PollUntilContextCancel(ctx, gonePoll, true, func(ctx context.Context) (bool, error) {
			_, err := b.metadata.Resource(one.resource).Get(ctx, one.name, metav1.GetOptions{})
			return apierrors.IsNotFound(err), nil
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("waiting until %s %s is gone: %w", one.resource.Resource, one.name, err))
		}
	}
	return errors.Join(problems...)
}
