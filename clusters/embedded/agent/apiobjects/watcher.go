//go:build linux

// Package apiobjects gets the API objects that running Pods refer to. Like the kubelet it watches single ConfigMaps and
// Secrets, and only those: a node may not read others.
package apiobjects

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// syncTimeout bounds the wait until an object has been read for the first time. The caller tries again later.
const syncTimeout = 5 * time.Second

// Reference names an object: Resource is "configmaps" or "secrets".
type Reference struct{ Resource, Namespace, Name string }

// Watcher keeps copies of the objects that are held.
type Watcher struct {
	client  kubernetes.Interface
	changed func(Reference)

	informers sync.WaitGroup

	mu      sync.Mutex
	watched map[Reference]*watched
}

type watched struct {
	holders int
	store   cache.Store
	synced  cache.InformerSynced
	stop    context.CancelFunc
}

// NewWatcher calls changed, from a goroutine of its own, whenever a held object appears, changes or goes.
func NewWatcher(client kubernetes.Interface, changed func(Reference)) *Watcher {
	return &Watcher{client: client, changed: changed, watched: map[Reference]*watched{}}
}

// Hold watches the objects until they are released as often as they were held, or ctx is done.
func (w *Watcher) Hold(ctx context.Context, refs []Reference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range refs {
		if known := w.watched[ref]; known != nil {
			known.holders++
			continue
		}
		w.watched[ref] = w.watch(ctx, ref)
	}
}

// Release undoes one Hold of the same objects.
func (w *Watcher) Release(refs []Reference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range refs {
		known := w.watched[ref]
		if known == nil {
			continue
		}
		if known.holders--; known.holders == 0 {
			known.stop()
			delete(w.watched, ref)
		}
	}
}

// Shutdown waits until nothing is watched any more. The contexts of Hold must have ended, or the objects been released.
func (w *Watcher) Shutdown() { w.informers.Wait() }

func (w *Watcher) watch(ctx context.Context, ref Reference) *watched {
	ctx, stop := context.WithCancel(ctx)
	var kind runtime.Object = &corev1.ConfigMap{}
	if ref.Resource == Secrets {
		kind = &corev1.Secret{}
	}
	notify := func(any) { w.changed(ref) }
	store, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(w.client.CoreV1().RESTClient(), ref.Resource, ref.Namespace,
			fields.OneTermEqualSelector("metadata.name", ref.Name)),
		ObjectType: kind,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: notify, UpdateFunc: func(_, now any) { notify(now) }, DeleteFunc: notify,
		},
	})
	w.informers.Go(func() { informer.RunWithContext(ctx) })
	return &watched{holders: 1, store: store, synced: informer.HasSynced, stop: stop}
}

// Resources by their names in the API.
const (
	ConfigMaps = "configmaps"
	Secrets    = "secrets"
)

// ConfigMap returns a held ConfigMap, which must not be changed.
func (w *Watcher) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	obj, err := w.get(ctx, Reference{ConfigMaps, namespace, name})
	if err != nil {
		return nil, err
	}
	cm, ok := obj.(*corev1.ConfigMap)
	if !ok {
		return nil, fmt.Errorf("configmap %s/%s: unexpected %T", namespace, name, obj)
	}
	return cm, nil
}

// Secret returns a held Secret, which must not be changed.
func (w *Watcher) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	obj, err := w.get(ctx, Reference{Secrets, namespace, name})
	if err != nil {
		return nil, err
	}
	secret, ok := obj.(*corev1.Secret)
	if !ok {
		return nil, fmt.Errorf("secret %s/%s: unexpected %T", namespace, name, obj)
	}
	return secret, nil
}

func (w *Watcher) get(ctx context.Context, ref Reference) (any, error) {
	w.mu.Lock()
	known := w.watched[ref]
	w.mu.Unlock()
	if known == nil {
		return nil, fmt.Errorf("%s %s/%s is not one that the Pod refers to", ref.Resource, ref.Namespace, ref.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := waitFor(ctx, known.synced); err != nil {
		return nil, fmt.Errorf("waiting for %s %s/%s: %w", ref.Resource, ref.Namespace, ref.Name, err)
	}
	obj, ok, err := known.store.GetByKey(ref.Namespace + "/" + ref.Name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: ref.Resource}, ref.Name)
	}
	return obj, nil
}

// waitFor polls much more often than client-go's helper does, as a Pod is waiting to start.
func waitFor(ctx context.Context, synced cache.InformerSynced) error {
	const every = 2 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !synced() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}
