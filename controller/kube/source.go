// Package kube watches the cluster for the controller.
package kube

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/snapshot"
)

// Source implements controller.Source with informers. Make one with NewSource and start it with Start.
type Source struct {
	settings  snapshot.Settings
	factories []informers.SharedInformerFactory
	store     *store
	changes   *changes
	last      atomic.Pointer[snapshot.Snapshot] // what the next one is compared with
}

// NewSource makes a Source. A namespace of "" watches all of them. Only Get, List and Watch are used.
func NewSource(client kubernetes.Interface, namespace string, settings snapshot.Settings) (*Source, error) {
	s := &Source{settings: settings, changes: newChanges()}
	options := []informers.SharedInformerOption{informers.WithTransform(trim)}
	cluster := informers.NewSharedInformerFactoryWithOptions(client, 0, options...)
	watched := cluster
	if namespace != "" {
		watched = informers.NewSharedInformerFactoryWithOptions(client, 0,
			append(options, informers.WithNamespace(namespace))...)
		s.factories = append(s.factories, watched)
	}
	s.factories = append(s.factories, cluster)
	s.store = &store{
		names:     newResolver(s.changes.other),
		used:      newUsedNames(settings.ConfigMaps()...),
		ingresses: watched.Networking().V1().Ingresses().Informer(),
		classes:   cluster.Networking().V1().IngressClasses().Informer(),
		services:  watched.Core().V1().Services().Informer(),
		slices:    watched.Discovery().V1().EndpointSlices().Informer(),
		secrets:   watched.Core().V1().Secrets().Informer(),
	}
	if namespace == "" {
		s.store.namespaces = cluster.Core().V1().Namespaces().Informer()
	}
	s.store.configMaps = watched.Core().V1().ConfigMaps().Informer()
	s.store.settings = map[types.NamespacedName]cache.SharedIndexInformer{}
	for _, key := range settings.ConfigMaps() {
		if namespace == "" || key.Namespace == namespace || s.store.settings[key] != nil {
			continue
		}
		one := informers.NewSharedInformerFactoryWithOptions(client, 0, append(slices.Clip(options), only(key)...)...)
		s.store.settings[key] = one.Core().V1().ConfigMaps().Informer()
		s.factories = append(s.factories, one)
	}
	if err := s.store.slices.AddIndexers(cache.Indexers{byService: serviceOfSlice}); err != nil {
		return nil, fmt.Errorf("indexing EndpointSlices: %w", err)
	}
	for what, informer := range s.store.informers() {
		handler := s.changes.objectHandler()
		if informer == s.store.slices {
			handler = s.changes.sliceHandler()
		}
		if informer == s.store.namespaces { // which change for many reasons
			handler = cache.FilteringResourceEventHandler{FilterFunc: isTerminating, Handler: handler}
		}
		if informer == s.store.configMaps { // most of which mean nothing to the controller
			handler = cache.FilteringResourceEventHandler{FilterFunc: s.store.used.has, Handler: handler}
		}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, fmt.Errorf("watching %s: %w", what, err)
		}
	}
	return s, nil
}

// only restricts an informer factory to the object of one name.
func only(key types.NamespacedName) []informers.SharedInformerOption {
	return []informers.SharedInformerOption{
		informers.WithNamespace(key.Namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, key.Name).String()
		}),
	}
}

// Start begins to watch, until ctx is done, and returns when the caches have synced. It fails if that takes
// longer than the time given.
func (s *Source) Start(ctx context.Context, within time.Duration) error {
	for _, factory := range s.factories {
		factory.Start(ctx.Done())
	}
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for what, informer := range s.store.informers() {
		if !cache.WaitForCacheSync(waiting.Done(), informer.HasSynced) {
			if ctx.Err() != nil {
				return fmt.Errorf("reading %s from the API server: %w", what, context.Cause(ctx))
			}
			return fmt.Errorf("reading %s from the API server took longer than %s: "+
				"check that it can be reached and that the ServiceAccount may list and watch them", what, within)
		}
	}
	go s.store.names.run(ctx)
	s.changes.other()
	return nil
}

// Changed implements controller.Source.
func (s *Source) Changed() <-chan struct{} { return s.changes.signal }

// Take implements controller.Source.
func (s *Source) Take() controller.Change { return s.changes.take() }

// EndpointSlices implements controller.Source.
func (s *Source) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	return snapshot.EndpointSlicesOf(s.store, service)
}

// Snapshot implements controller.Source.
func (s *Source) Snapshot() *snapshot.Snapshot {
	taken := s.previous().Next(s.store)
	s.last.Store(taken)
	s.store.used.next()
	s.store.names.keep(taken.Addresses)
	return taken
}

// SnapshotWith is the Snapshot that would be taken if the cluster also had the given Ingress.
func (s *Source) SnapshotWith(ingress *networkingv1.Ingress) *snapshot.Snapshot {
	return s.previous().NextWith(s.store, ingress)
}

func (s *Source) previous() *snapshot.Snapshot {
	if last := s.last.Load(); last != nil {
		return last
	}
	return &snapshot.Snapshot{Settings: s.settings}
}
