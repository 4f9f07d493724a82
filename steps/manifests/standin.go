package manifests

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// Target is what an address of a stand-in stands for: a Service or the host of a name.
type Target struct {
	Service types.NamespacedName
	Host    string
}

// Class is the IngressClass that a stand-in is made for, if the manifests have no IngressClass at all.
type Class struct{ Name, Controller string }

// standIns adds stand-ins to a store.
type standIns struct {
	store *Store
	notes []string
}

// standInNetwork is reserved for tests of network devices (RFC 2544), so that no manifest means an address of it.
func standInNetwork() netip.Prefix { return netip.MustParsePrefix("198.18.0.0/15") }

// Store returns the objects with stand-ins for what manifests lack:
//
//   - each Service without EndpointSlices gets one endpoint, and each name one address;
//   - where a namespace has no Service at all, the Services that its Ingresses name. In other namespaces a Service that is
//     missing stays missing, as it is in the cluster;
//   - Secrets that Ingresses name: a certificate for the hosts, or the password of Password;
//   - an IngressClass, if there is none.
//
// The notes are sentences, one for each kind of stand-in.
func (s *Set) Store(class Class) (store *Store, notes []string, err error) {
	added := &standIns{store: newStore(s)}
	added.addClass(class)
	added.addServices()
	added.addEndpoints()
	if err := added.addSecrets(); err != nil {
		return nil, nil, err
	}
	return added.store, added.notes, nil
}

// Target returns what an address of a stand-in stands for; ok is false for other addresses.
func (s *Store) Target(address netip.Addr) (target Target, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target, ok = s.targets[address]
	return target, ok
}

// allot returns an unused address; s.mu must be held, or s not shared yet. When the network is used up, addresses are
// those that follow it.
func (s *Store) allot(target Target) netip.Addr {
	s.last = s.last.Next()
	s.targets[s.last] = target
	return s.last
}

func (s *standIns) note(format string, arguments ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, arguments...))
}

func (s *standIns) addClass(class Class) {
	if len(s.store.classes) > 0 || class.Name == "" {
		return
	}
	s.store.classes = append(s.store.classes, &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: class.Name}, Spec: networkingv1.IngressClassSpec{Controller: class.Controller},
	})
	s.note("the manifests have no IngressClass: %q is taken to be that of the controller", class.Name)
}

// addServices makes the Services that Ingresses name.
func (s *standIns) addServices() {
	complete := map[string]bool{}
	for key := range s.store.services {
		complete[key.Namespace] = true
	}
	made := map[types.NamespacedName]bool{}
	for _, ingress := range s.store.ingresses {
		if complete[ingress.Namespace] {
			continue
		}
		for _, backend := range backends(ingress) {
			key := types.NamespacedName{Namespace: ingress.Namespace, Name: backend.Name}
			if s.store.services[key] == nil {
				s.store.services[key] = &corev1.Service{
					ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
					Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP},
				}
				made[key] = true
			}
			addPort(s.store.services[key], backend.Port)
		}
	}
	if len(made) > 0 {
		s.note("stand-ins for %s that the manifests lack: %s", count(len(made), "Service"), list(made))
	}
}

// addPort adds the port that an Ingress names.
func addPort(service *corev1.Service, wanted networkingv1.ServiceBackendPort) {
	used := map[int32]bool{}
	for _, port := range service.Spec.Ports {
		if port.Port == wanted.Number || wanted.Name != "" && port.Name == wanted.Name {
			return
		}
		used[port.Port] = true
	}
	number := wanted.Number
	for next := int32(80); number == 0; next++ {
		if !used[next] {
			number = next
		}
	}
	name := wanted.Name
	if name == "" { // ports of a Service must have different names
		name = fmt.Sprintf("port-%d", number)
	}
	service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: name, Port: number, Protocol: corev1.ProtocolTCP})
}

// addEndpoints makes an EndpointSlice with one endpoint for each Service that has none.
func (s *standIns) addEndpoints() {
	for _, key := range slices.SortedFunc(maps.Keys(s.store.services), compareKeys) {
		service := s.store.services[key]
		if service.Spec.Type == corev1.ServiceTypeExternalName || len(s.store.slices[key]) > 0 {
			continue
		}
		slice := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: key.Namespace, Name: key.Name,
				Labels: map[string]string{discoveryv1.LabelServiceName: key.Name},
			},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{s.store.allot(Target{Service: key}).String()}}},
		}
		for _, port := range service.Spec.Ports {
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{
				Name: ptr.To(port.Name), Protocol: ptr.To(port.Protocol), Port: ptr.To(targetNumber(port)),
			})
		}
		service.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
		s.store.slices[key] = append(s.store.slices[key], slice)
	}
}

// targetNumber of a named target port is the port's own, because no Pod resolves the name.
func targetNumber(port corev1.ServicePort) int32 {
	if port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal != 0 {
		return port.TargetPort.IntVal
	}
	return port.Port
}

// backends are the Services that an Ingress names.
func backends(ingress *networkingv1.Ingress) []*networkingv1.IngressServiceBackend {
	var all []*networkingv1.IngressServiceBackend
	add := func(backend *networkingv1.IngressBackend) {
		if backend != nil && backend.Service != nil {
			all = append(all, backend.Service)
		}
	}
	add(ingress.Spec.DefaultBackend)
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for i := range rule.HTTP.Paths {
			add(&rule.HTTP.Paths[i].Backend)
		}
	}
	return all
}

func compareKeys(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// list names a few of many.
func list(keys map[types.NamespacedName]bool) string {
	const few = 5
	var names []string
	for _, key := range slices.SortedFunc(maps.Keys(keys), compareKeys) {
		if len(names) == few {
			return strings.Join(names, ", ") + ", ..."
		}
		names = append(names, key.String())
	}
	return strings.Join(names, ", ")
}
