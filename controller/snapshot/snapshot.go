// Package snapshot holds the state of the cluster at one moment: the controller's Ingresses and the objects they refer
// to. A Snapshot is plain data, and its translation needs nothing else.
package snapshot

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/config/protection"
)

// Settings are the flags that select the objects of a Snapshot and affect its translation.
type Settings struct {
	// ControllerClass is the spec.controller of the IngressClasses that belong to this controller.
	ControllerClass string
	// LegacyClass is the value of the annotation kubernetes.io/ingress.class that claims an Ingress.
	LegacyClass string
	// WithoutClass claims Ingresses that name no class at all, even if no IngressClass is the default.
	WithoutClass bool
	// AnnotationsPrefix is the prefix of the annotations that are read, without the slash.
	AnnotationsPrefix string
	// DefaultCertificate names the Secret with the certificate for clients whose server name (SNI) is unknown or missing.
	DefaultCertificate types.NamespacedName
	// DefaultBackend names the Service for requests that match neither a rule nor the default backend of an Ingress.
	DefaultBackend types.NamespacedName
	// ConfigMap names the controller's global settings.
	ConfigMap types.NamespacedName
	// TCPServices and UDPServices name the ConfigMaps of ports that are forwarded to Services.
	TCPServices, UDPServices types.NamespacedName
	// OwnPorts are the TCP ports that the controller listens on itself.
	OwnPorts []int
	// Passthrough enables the annotation ssl-passthrough: TLS connections are forwarded unchanged.
	Passthrough bool
	// Compatibility is which behaviour of ingress-nginx is reproduced.
	Compatibility compatibility.Mode
}

// ConfigMaps are those that the settings name.
func (s *Settings) ConfigMaps() []types.NamespacedName {
	return slices.DeleteFunc([]types.NamespacedName{s.ConfigMap, s.TCPServices, s.UDPServices}, func(key types.NamespacedName) bool {
		return key.Name == ""
	})
}

// Store looks objects up. Its objects are shared and must not be changed.
type Store interface {
	Ingresses() []*networkingv1.Ingress
	IngressClasses() []*networkingv1.IngressClass
	// Service, Secret and ConfigMap are nil if there is none.
	Service(types.NamespacedName) *corev1.Service
	Secret(types.NamespacedName) *corev1.Secret
	ConfigMap(types.NamespacedName) *corev1.ConfigMap
	// EndpointSlices are those of one Service, in any order.
	EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice
	// Addresses are those of the DNS name of an ExternalName Service; none until it has been looked up.
	Addresses(host string) []netip.Addr
}

// Snapshot is the state of the cluster. It is immutable, together with the objects that it points to.
type Snapshot struct {
	Settings Settings
	// Ingresses of this controller, by precedence in conflicts: the older one first, and of two of the same second the one
	// whose namespace and name sort last.
	Ingresses []*networkingv1.Ingress
	// Services, EndpointSlices (by Service) and Secrets that the Ingresses or the settings refer to. What is
	// missing in the cluster is missing here.
	Services       map[types.NamespacedName]*corev1.Service
	EndpointSlices map[types.NamespacedName][]*discoveryv1.EndpointSlice
	Secrets        map[types.NamespacedName]*corev1.Secret
	// ConfigMap of the global settings; nil if there is none.
	ConfigMap *corev1.ConfigMap
	// ConfigMaps that the settings and the Ingresses refer to.
	ConfigMaps map[types.NamespacedName]*corev1.ConfigMap
	// Addresses by the name in an ExternalName Service.
	Addresses map[string][]netip.Addr

	// references of the Ingresses, with those to the external server of the ConfigMap; "" if it has none.
	references map[*networkingv1.Ingress]*references
	server     string
}

// Take collects what is in the store.
func Take(store Store, settings Settings) *Snapshot {
	return take(store, empty(settings), store.Ingresses())
}

// TakeWith is Take as it would be if the store also held the given Ingress, instead of one of the same name.
func TakeWith(store Store, settings Settings, added *networkingv1.Ingress) *Snapshot {
	return take(store, empty(settings), ingressesWith(store, added))
}

// Next is Take with the same settings, later. It costs less, because Ingresses that have not changed are not read again.
func (s *Snapshot) Next(store Store) *Snapshot {
	return take(store, s, store.Ingresses())
}

// NextWith is TakeWith with the same settings, later.
func (s *Snapshot) NextWith(store Store, added *networkingv1.Ingress) *Snapshot {
	return take(store, s, ingressesWith(store, added))
}

func ingressesWith(store Store, added *networkingv1.Ingress) []*networkingv1.Ingress {
	ingresses := []*networkingv1.Ingress{added}
	for _, ingress := range store.Ingresses() {
		if Key(ingress) != Key(added) {
			ingresses = append(ingresses, ingress)
		}
	}
	return ingresses
}

// Key is the namespace and name of an object.
func Key(object interface {
	GetNamespace() string
	GetName() string
}) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

func empty(settings Settings) *Snapshot {
	return &Snapshot{
		Settings:       settings,
		Services:       map[types.NamespacedName]*corev1.Service{},
		EndpointSlices: map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		Secrets:        map[types.NamespacedName]*corev1.Secret{},
		ConfigMaps:     map[types.NamespacedName]*corev1.ConfigMap{},
		Addresses:      map[string][]netip.Addr{},
	}
}

func take(store Store, previous *Snapshot, ingresses []*networkingv1.Ingress) *Snapshot {
	s := empty(previous.Settings)
	classes := classesOf(store.IngressClasses(), s.Settings)
	for _, ingress := range ingresses {
		if classes.claim(ingress) {
			s.Ingresses = append(s.Ingresses, ingress)
		}
	}
	slices.SortFunc(s.Ingresses, byPrecedence)
	if s.Settings.ConfigMap.Name != "" {
		s.ConfigMap = store.ConfigMap(s.Settings.ConfigMap)
	}
	if s.ConfigMap != nil {
		s.server, _ = protection.GlobalAuthServer(s.ConfigMap.Data)
	}
	s.references = make(map[*networkingv1.Ingress]*references, len(s.Ingresses))
	for _, ingress := range s.Ingresses {
		read := previous.references[ingress]
		if read == nil || s.server != previous.server {
			read = s.referencesOf(ingress)
		}
		s.references[ingress] = read
		s.addReferences(store, read)
	}
	s.addSettings(store)
	return s
}

// referencesOf are those of an Ingress of the Snapshot.
func (s *Snapshot) referencesOf(ingress *networkingv1.Ingress) *references {
	if read := s.references[ingress]; read != nil {
		return read
	}
	return readReferences(ingress, cmp.Or(s.Settings.AnnotationsPrefix, config.DefaultPrefix), s.server)
}

// addReferences adds what an Ingress refers to.
func (s *Snapshot) addReferences(store Store, r *references) {
	for _, key := range r.services {
		s.addService(store, key)
	}
	for _, key := range r.secrets {
		s.addSecret(store, key)
	}
	s.addConfigMaps(store, r.configMaps)
	for _, host := range r.servers {
		s.addServer(store, host)
	}
}

// addSettings adds what the settings refer to.
func (s *Snapshot) addSettings(store Store) {
	s.addService(store, s.Settings.DefaultBackend)
	s.addStreams(store)
	s.addSecret(store, s.Settings.DefaultCertificate)
	if s.ConfigMap != nil {
		s.addConfigMaps(store, config.GlobalHeaderMaps(s.ConfigMap.Data))
	}
}

func (s *Snapshot) addService(store Store, key types.NamespacedName) {
	if _, known := s.Services[key]; known || key.Name == "" {
		return
	}
	service := store.Service(key)
	if service == nil {
		return
	}
	s.Services[key] = service
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		host := service.Spec.ExternalName
		s.Addresses[host] = store.Addresses(host)
		return
	}
	s.EndpointSlices[key] = EndpointSlicesOf(store, key)
}

// EndpointSlicesOf returns those of a Service in the order of a Snapshot.
func EndpointSlicesOf(store Store, service types.NamespacedName) []*discoveryv1.EndpointSlice {
	found := slices.Clone(store.EndpointSlices(service))
	slices.SortFunc(found, func(a, b *discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// addStreams adds the ConfigMaps of TCP and UDP services, and the Services.
func (s *Snapshot) addStreams(store Store) {
	for _, key := range []types.NamespacedName{s.Settings.TCPServices, s.Settings.UDPServices} {
		if key.Name == "" {
			continue
		}
		s.addConfigMaps(store, []types.NamespacedName{key})
		for _, service := range streamed(s.ConfigMaps[key]) {
			s.addService(store, service)
		}
	}
}

func (s *Snapshot) addSecret(store Store, key types.NamespacedName) {
	if key.Name == "" {
		return
	}
	if secret := store.Secret(key); secret != nil {
		s.Secrets[key] = secret
	}
}

func (s *Snapshot) addConfigMaps(store Store, keys []types.NamespacedName) {
	for _, key := range keys {
		if found := store.ConfigMap(key); found != nil {
			s.ConfigMaps[key] = found
		}
	}
}

// byPrecedence puts the older Ingress first and, as ingress-nginx does, of two of the same second the one whose name sorts
// last. One without a time has not been created yet, so it is the youngest.
func byPrecedence(a, b *networkingv1.Ingress) int {
	at, bt := a.CreationTimestamp, b.CreationTimestamp
	if at.IsZero() != bt.IsZero() {
		if at.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(at.Compare(bt.Time), cmp.Compare(b.Namespace, a.Namespace), cmp.Compare(b.Name, a.Name))
}
