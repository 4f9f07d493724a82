package objects_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/steps/objects"
)

const (
	pending = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, namespace: "n", resourceVersion: "7"}}`
	served  = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, namespace: "n"},
 status: {loadBalancer: {ingress: [{ip: 10.10.200.170}]}}}`
)

func fakeOf(api *objects.API) *dynamicfake.FakeDynamicClient {
	return api.Dynamic.(*dynamicfake.FakeDynamicClient) //nolint:forcetypeassert // newAPI makes one
}

// reads counts the requests for the object.
func reads(api *objects.API) int {
	count := 0
	for _, action := range fakeOf(api).Actions() {
		if action.GetVerb() == "get" {
			count++
		}
	}
	return count
}

// An object that is stored is watched from then on; it is neither read nor polled.
func TestWaitReadyWatches(t *testing.T) {
	object := parse(t, pending)
	api := newAPI(object)
	watched := make(chan struct{})
	fakeOf(api).PrependWatchReactor("ingresses", func(action clienttesting.Action) (bool, watch.Interface, error) {
		changes, err := fakeOf(api).Tracker().Watch(action.GetResource(), action.GetNamespace())
		close(watched)
		return true, changes, err
	})
	go func() {
		<-watched
		another, changed := parse(t, strings.Replace(served, "name: x", "name: another", 1)), parse(t, served)
		ingresses := schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
		if err := errors.Join(fakeOf(api).Tracker().Add(another), fakeOf(api).Tracker().Update(ingresses, changed, "n")); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := api.WaitReady(ctx, object); err != nil || reads(api) != 0 {
		t.Errorf("%v after %d reads", err, reads(api))
	}
}

// A user who may not watch objects polls them.
func TestWaitReadyPollsWhereWatchesAreForbidden(t *testing.T) {
	object := parse(t, pending)
	api := newAPI(parse(t, served))
	fakeOf(api).PrependWatchReactor("ingresses", func(action clienttesting.Action) (bool, watch.Interface, error) {
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "x", errors.New("no"))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := api.WaitReady(ctx, object); err != nil || reads(api) != 1 {
		t.Errorf("%v after %d reads", err, reads(api))
	}
}

// What all objects have in common is said once.
func TestDeletingEndsWithAnAPIServerThatIsGone(t *testing.T) {
	api := newAPI(parse(t, pending))
	fakeOf(api).PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, fmt.Errorf("dialing: %w", syscall.ECONNREFUSED)
	})
	var all []*unstructured.Unstructured
	for number := range 100 {
		all = append(all, parse(t, strings.Replace(pending, "name: x", fmt.Sprintf("name: x-%d", number), 1)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for name, err := range map[string]error{
		"starting": api.StartDelete(ctx, all), "discarding": api.Discard(ctx, all), "waiting": api.WaitGone(ctx, all),
	} {
		if err == nil || !strings.Contains(err.Error(), "99 other objects") || len(err.Error()) > 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
