package manifests

import (
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Store holds the objects of manifests and stand-ins for what they lack. It implements the Store of package
// controller/snapshot. Its methods may be called concurrently.
type Store struct {
	ingresses  []*networkingv1.Ingress
	classes    []*networkingv1.IngressClass
	services   map[types.NamespacedName]*corev1.Service
	slices     map[types.NamespacedName][]*discoveryv1.EndpointSlice
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap

	mu      sync.Mutex
	names   map[string]netip.Addr
	targets map[netip.Addr]Target
	last    netip.Addr
}

// newStore sorts the objects of a Set by kind.
func newStore(set *Set) *Store {
	s := &Store{
		services:   map[types.NamespacedName]*corev1.Service{},
		slices:     map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		secrets:    map[types.NamespacedName]*corev1.Secret{},
		configMaps: map[types.NamespacedName]*corev1.ConfigMap{},
		names:      map[string]netip.Addr{},
		targets:    map[netip.Addr]Target{},
		last:       standInNetwork().Addr(),
	}
	for _, object := range set.Objects {
		switch o := object.Typed.(type) {
		case *networkingv1.Ingress:
			s.ingresses = append(s.ingresses, o)
		case *networkingv1.IngressClass:
			s.classes = append(s.classes, o)
		case *corev1.Service:
			s.services[object.NamespacedName] = o
		case *corev1.Secret:
			s.secrets[object.NamespacedName] = o
		case *corev1.ConfigMap:
			s.configMaps[object.NamespacedName] = o
		case *discoveryv1.EndpointSlice:
			service := types.NamespacedName{Namespace: o.Namespace, Name: o.Labels[discoveryv1.LabelServiceName]}
			s.slices[service] = append(s.slices[service], o)
		}
	}
	return s
}

// Ingresses returns all, in the order of the manifests.
func (s *Store) Ingresses() []*networkingv1.Ingress { return s.ingresses }

// IngressClasses returns all, and the stand-in if there is one.
func (s *Store) IngressClasses() []*networkingv1.IngressClass { return s.classes }

// Service is nil if there is none.
func (s *Store) Service(key types.NamespacedName) *corev1.Service { return s.services[key] }

// Secret is nil if there is none.
func (s *Store) Secret(key types.NamespacedName) *corev1.Secret { return s.secrets[key] }

// ConfigMap is nil if there is none.
func (s *Store) ConfigMap(key types.NamespacedName) *corev1.ConfigMap { return s.configMaps[key] }

// EndpointSlices are those of the manifests, or else the stand-in.
func (s *Store) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	return s.slices[service]
}

// Addresses returns the stand-in for what a name resolves to.
func (s *Store) Addresses(host string) []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	address, ok := s.names[host]
	if !ok {
		address = s.allot(Target{Host: host})
		s.names[host] = address
	}
	return []netip.Addr{address}
}
