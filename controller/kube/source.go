// Package kube watches the cluster for the controller.
package kube

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/ingress-testbed/testbed/controller/snapshot"
)

// byService indexes EndpointSlices by the Service that they belong to.
const byService = "service"

// Source is the cluster as the controller's loop wants it. Make one with NewSource and start it with Start.
type Source struct {
	settings  snapshot.Settings
	factories []informers.SharedInformerFactory
	informers map[string]cache.SharedIndexInformer // by what it watches, for messages
	names     *resolver
	changed   chan struct{}
}

// NewSource makes a Source. A namespace of "" watches all of them. Only Get, List and Watch are used.
func NewSource(client kubernetes.Interface, namespace string, settings snapshot.Settings) (*Source, error) {
	s := &Source{
		settings:  settings,
		informers: map[string]cache.SharedIndexInformer{},
		changed:   make(chan struct{}, 1),
	}
	s.names = newResolver(s.notify)
	options := []informers.SharedInformerOption{informers.WithTransform(trim)}
	cluster := informers.NewSharedInformerFactoryWithOptions(client, 0, options...)
	watched := cluster
	if namespace != "" {
		watched = informers.NewSharedInformerFactoryWithOptions(client, 0,
			append(options, informers.WithNamespace(namespace))...)
		s.factories = append(s.factories, watched)
	}
	s.factories = append(s.factories, cluster)
	s.informers["IngressClasses"] = cluster.Networking().V1().IngressClasses().Informer()
	s.informers["Ingresses"] = watched.Networking().V1().Ingresses().Informer()
	s.informers["Services"] = watched.Core().V1().Services().Informer()
	s.informers["EndpointSlices"] = watched.Discovery().V1().EndpointSlices().Informer()
	s.informers["Secrets"] = watched.Core().V1().Secrets().Informer()
	if settings.ConfigMap.Name != "" {
		one := informers.NewSharedInformerFactoryWithOptions(client, 0,
			append(options, Only(settings.ConfigMap)...)...)
		s.informers["ConfigMaps"] = one.Core().V1().ConfigMaps().Informer()
		s.factories = append(s.factories, one)
	}
	if err := s.informers["EndpointSlices"].AddIndexers(cache.Indexers{byService: serviceOfSlice}); err != nil {
		return nil, fmt.Errorf("indexing EndpointSlices: %w", err)
	}
	for what, informer := range s.informers {
		if _, err := informer.AddEventHandler(s); err != nil {
			return nil, fmt.Errorf("watching %s: %w", what, err)
		}
	}
	return s, nil
}

// Only restricts an informer factory to the object of one name.
func Only(key types.NamespacedName) []informers.SharedInformerOption {
	return []informers.SharedInformerOption{
		informers.WithNamespace(key.Namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, key.Name).String()
		}),
	}
}

// Start begins to watch, until ctx is done, and returns when all there is has been read once. It fails if that takes
// longer than the time given.
func (s *Source) Start(ctx context.Context, within time.Duration) error {
	for _, factory := range s.factories {
		factory.Start(ctx.Done())
	}
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for what, informer := range s.informers {
		if !cache.WaitForCacheSync(waiting.Done(), informer.HasSynced) {
			if ctx.Err() != nil {
				return fmt.Errorf("reading %s from the API server: %w", what, context.Cause(ctx))
			}
			return fmt.Errorf("reading %s from the API server took longer than %s: "+
				"check that it can be reached and that the ServiceAccount may list and watch them", what, within)
		}
	}
	go s.names.run(ctx)
	s.notify()
	return nil
}

// Changed implements controller.Source.
func (s *Source) Changed() <-chan struct{} { return s.changed }

// Snapshot implements controller.Source.
func (s *Source) Snapshot() *snapshot.Snapshot {
	taken := snapshot.Take(s, s.settings)
	s.names.keep(taken.Addresses)
	return taken
}

// SnapshotWith is the Snapshot that would be taken if the cluster also had the given Ingress.
func (s *Source) SnapshotWith(ingress *networkingv1.Ingress) *snapshot.Snapshot {
	return snapshot.TakeWith(s, s.settings, ingress)
}

// SetTrustForwardedHeaders tells what the proxy was started with. It must not be called once Changed is read.
func (s *Source) SetTrustForwardedHeaders(trust bool) { s.settings.TrustForwardedHeaders = trust }

func (s *Source) notify() {
	select {
	case s.changed <- struct{}{}:
	default: // one is pending, which will see this change, too
	}
}

// OnAdd, OnUpdate and OnDelete implement cache.ResourceEventHandler.
func (s *Source) OnAdd(any, bool)   { s.notify() }
func (s *Source) OnUpdate(any, any) { s.notify() }
func (s *Source) OnDelete(any)      { s.notify() }

// Ingresses, and all methods below, implement snapshot.Store.
func (s *Source) Ingresses() []*networkingv1.Ingress {
	return list[*networkingv1.Ingress](s.informers["Ingresses"])
}

func (s *Source) IngressClasses() []*networkingv1.IngressClass {
	return list[*networkingv1.IngressClass](s.informers["IngressClasses"])
}

func (s *Source) Service(key types.NamespacedName) *corev1.Service {
	return get[corev1.Service](s.informers["Services"], key)
}

func (s *Source) Secret(key types.NamespacedName) *corev1.Secret {
	return get[corev1.Secret](s.informers["Secrets"], key)
}

func (s *Source) ConfigMap(key types.NamespacedName) *corev1.ConfigMap {
	return get[corev1.ConfigMap](s.informers["ConfigMaps"], key)
}

func (s *Source) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	found, err := s.informers["EndpointSlices"].GetIndexer().ByIndex(byService, service.String())
	if err != nil {
		return nil // only if there were no such index
	}
	return as[*discoveryv1.EndpointSlice](found)
}

func (s *Source) Addresses(host string) []netip.Addr { return s.names.addresses(host) }

func serviceOfSlice(object any) ([]string, error) {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil, fmt.Errorf("indexing EndpointSlices: got a %T", object)
	}
	service := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
	return []string{service.String()}, nil
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
		return nil // only for keys that are no strings
	}
	object, _ := found.(*T)
	return object
}
