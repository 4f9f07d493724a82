package inprocess

import (
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

const (
	class           = "testbed"
	controllerClass = "testbed.local/ingress"
)

// podAddresses are those of the two Pods of the stand-ins. Nothing outside this process has them.
func podAddresses() []string { return []string{"10.244.0.1", "10.244.0.2"} }

// store holds the objects, as the API server would. It implements snapshot.Store.
type store struct {
	ingresses  []*networkingv1.Ingress
	services   map[types.NamespacedName]*corev1.Service
	slices     map[types.NamespacedName][]*discoveryv1.EndpointSlice
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap
	addresses  map[string][]netip.Addr
	settings   types.NamespacedName
}

func newStore(made *standin.StandIns) *store {
	s := &store{
		services: map[types.NamespacedName]*corev1.Service{}, slices: map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		secrets: map[types.NamespacedName]*corev1.Secret{}, configMaps: map[types.NamespacedName]*corev1.ConfigMap{},
		addresses: map[string][]netip.Addr{},
	}
	created := time.Now().Add(-time.Duration(len(made.Ingresses)) * time.Second).Truncate(time.Second)
	for i, original := range made.Ingresses {
		// The order of the estate is that of the ages.
		ingress := original.DeepCopy()
		ingress.CreationTimestamp = metav1.NewTime(created.Add(time.Duration(i) * time.Second))
		ingress.UID = types.UID(estate.Key(ingress).String())
		estate.SetClass(ingress, class)
		s.ingresses = append(s.ingresses, ingress)
	}
	for i, original := range made.Services {
		service := original.DeepCopy()
		name := estate.Key(service)
		switch {
		case service.Spec.Type == corev1.ServiceTypeExternalName:
		case service.Spec.ClusterIP != corev1.ClusterIPNone:
			address := clusterIP(i)
			service.Spec.ClusterIP = address.String()
			s.addresses[fmt.Sprintf("%s.%s.svc.cluster.local", name.Name, name.Namespace)] = []netip.Addr{address}
		}
		s.services[name] = service
	}
	for _, slice := range made.Slices(podAddresses()) {
		name := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
		s.slices[name] = append(s.slices[name], slice)
	}
	for _, secret := range made.Secrets {
		s.secrets[estate.Key(secret)] = secret
	}
	for _, configMap := range made.ConfigMaps {
		s.configMaps[estate.Key(configMap)] = configMap
	}
	if made.Settings != nil {
		s.settings = estate.Key(made.Settings)
		s.configMaps[s.settings] = made.Settings
	}
	return s
}

// clusterIP is the address of a Service by its number.
func clusterIP(number int) netip.Addr {
	number++
	return netip.AddrFrom4([4]byte{10, 96 + byte(number>>16), byte(number >> 8), byte(number)})
}

// remove removes Ingresses by their names.
func (s *store) remove(names map[string]string) {
	var kept []*networkingv1.Ingress
	for _, ingress := range s.ingresses {
		if _, removed := names[estate.Key(ingress).String()]; !removed {
			kept = append(kept, ingress)
		}
	}
	s.ingresses = kept
}

func (s *store) snapshot(mode compatibility.Mode) *snapshot.Snapshot {
	return snapshot.Take(s, snapshot.Settings{ControllerClass: controllerClass, ConfigMap: s.settings, Compatibility: mode})
}

// Ingresses implements snapshot.Store.
func (s *store) Ingresses() []*networkingv1.Ingress { return s.ingresses }

// IngressClasses implements snapshot.Store.
func (s *store) IngressClasses() []*networkingv1.IngressClass {
	return []*networkingv1.IngressClass{{
		ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: controllerClass},
	}}
}

// Service implements snapshot.Store.
func (s *store) Service(name types.NamespacedName) *corev1.Service { return s.services[name] }

// Secret implements snapshot.Store.
func (s *store) Secret(name types.NamespacedName) *corev1.Secret { return s.secrets[name] }

// ConfigMap implements snapshot.Store.
func (s *store) ConfigMap(name types.NamespacedName) *corev1.ConfigMap { return s.configMaps[name] }

// EndpointSlices implements snapshot.Store.
func (s *store) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	return s.slices[service]
}

// Addresses implements snapshot.Store.
func (s *store) Addresses(host string) []netip.Addr { return s.addresses[host] }
