// Package snapshottest makes Snapshots from manifests, for tests.
package snapshottest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/ingress-testbed/testbed/controller/snapshot"
)

// Store holds the objects of manifests.
type Store struct {
	ingresses  []*networkingv1.Ingress
	classes    []*networkingv1.IngressClass
	services   map[types.NamespacedName]*corev1.Service
	slices     map[types.NamespacedName][]*discoveryv1.EndpointSlice
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap
	// Names is what the DNS would answer.
	Names map[string][]netip.Addr
}

var _ snapshot.Store = (*Store)(nil)

// Objects decodes the documents of a YAML file. A document that is not a Kubernetes object is an error.
func Objects(manifests []byte) ([]runtime.Object, error) {
	var objects []runtime.Object
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading manifests: %w", err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("decoding a manifest: %w", err)
		}
		objects = append(objects, object)
	}
}

// NewStore sorts objects by kind. Objects of other kinds than a Store holds are left out.
func NewStore(objects ...runtime.Object) *Store {
	s := &Store{
		services:   map[types.NamespacedName]*corev1.Service{},
		slices:     map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		secrets:    map[types.NamespacedName]*corev1.Secret{},
		configMaps: map[types.NamespacedName]*corev1.ConfigMap{},
		Names:      map[string][]netip.Addr{},
	}
	for _, object := range objects {
		s.Add(object)
	}
	return s
}

// Replace puts an EndpointSlice in the place of those of its Service.
func (s *Store) Replace(slice *discoveryv1.EndpointSlice) {
	key := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
	s.slices[key] = []*discoveryv1.EndpointSlice{slice}
}

// ReplaceIngress puts an Ingress in the place of the one of its name.
func (s *Store) ReplaceIngress(ingress *networkingv1.Ingress) {
	for i, former := range s.ingresses {
		if snapshot.Key(former) == snapshot.Key(ingress) {
			s.ingresses[i] = ingress
		}
	}
}

// Add puts one more object into the store.
func (s *Store) Add(object runtime.Object) {
	switch o := object.(type) {
	case *networkingv1.Ingress:
		s.ingresses = append(s.ingresses, o)
	case *networkingv1.IngressClass:
		s.classes = append(s.classes, o)
	case *corev1.Service:
		s.services[snapshot.Key(o)] = o
	case *discoveryv1.EndpointSlice:
		service := types.NamespacedName{Namespace: o.Namespace, Name: o.Labels[discoveryv1.LabelServiceName]}
		s.slices[service] = append(s.slices[service], o)
	case *corev1.Secret:
		for key, value := range o.StringData { // as the API server does
			if o.Data == nil {
				o.Data = map[string][]byte{}
			}
			o.Data[key] = []byte(value)
		}
		s.secrets[snapshot.Key(o)] = o
	case *corev1.ConfigMap:
		s.configMaps[snapshot.Key(o)] = o
	}
}

// Ingresses implements snapshot.Store.
func (s *Store) Ingresses() []*networkingv1.Ingress { return s.ingresses }

// IngressClasses implements snapshot.Store.
func (s *Store) IngressClasses() []*networkingv1.IngressClass { return s.classes }

// Service implements snapshot.Store.
func (s *Store) Service(key types.NamespacedName) *corev1.Service { return s.services[key] }

// Secret implements snapshot.Store.
func (s *Store) Secret(key types.NamespacedName) *corev1.Secret { return s.secrets[key] }

// ConfigMap implements snapshot.Store.
func (s *Store) ConfigMap(key types.NamespacedName) *corev1.ConfigMap { return s.configMaps[key] }

// Addresses implements snapshot.Store.
func (s *Store) Addresses(host string) []netip.Addr { return s.Names[host] }

// EndpointSlices implements snapshot.Store.
func (s *Store) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	return s.slices[service]
}
