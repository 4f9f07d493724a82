// Package standin makes what stands in for the applications of a user: an echo for each port of each Service, an
// authentication server, Secrets, certificates and passwords of the same shape. Few Pods are enough for all of them, because a
// stand-in is a port of a Pod.
package standin

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

const (
	// FirstPort of the Pods is for the first port of a Service.
	FirstPort = 20000
	maxPort   = 60000
)

// Options of Build.
type Options struct {
	// Namespace of the stand-ins for what isn't in the cluster.
	Namespace string
	// Prefix of the namespaces is left out of the names of certificates.
	Prefix string
	// Allowed and Denied are networks that are added to the lists of addresses that are let in and kept out; "" for none.
	Allowed, Denied string
	// ClientCertificates are the names of those that requests present; see ClientCertificate.
	ClientCertificates []string
}

// StandIns are objects to be served instead of the user's.
type StandIns struct {
	Ingresses []*networkingv1.Ingress
	// Services have no selector. Their EndpointSlices are those of Slices.
	Services   []*corev1.Service
	ConfigMaps []*corev1.ConfigMap
	// Settings is the ConfigMap of the controller; nil if there is none.
	Settings *corev1.ConfigMap
	Secrets  []*corev1.Secret
	// Backends are the names of what answers, as namespace/service:port, by port of the Pods.
	Backends map[int]string
	// Certificates are the common names of the certificates of Secrets, which are namespace/name, without the prefix.
	Certificates []string
	// Clients are the certificates that requests present, by name.
	Clients map[string]tls.Certificate
	// BackendCertificate is signed by the authority of proxy-ssl-secret.
	BackendCertificate tls.Certificate
	// Notes are sentences on what is different from the user's objects.
	Notes []string

	options Options
	ports   map[servicePort]int
	made    map[types.NamespacedName]*corev1.Service
	notes   map[string]map[string]bool
}

// servicePort is a port of a Service by its number.
type servicePort struct {
	service types.NamespacedName
	number  int32
}

// Build makes the stand-ins for an estate. The estate is not changed.
func Build(e *estate.Estate, options Options) (*StandIns, error) {
	s := &StandIns{
		Backends: map[int]string{backends.AuthPort: "authentication server"}, Clients: map[string]tls.Certificate{}, options: options,
		ports: map[servicePort]int{}, made: map[types.NamespacedName]*corev1.Service{}, notes: map[string]map[string]bool{},
	}
	for _, ingress := range e.Ingresses {
		s.Ingresses = append(s.Ingresses, ingress.DeepCopy())
	}
	for _, name := range sortedKeys(e.ConfigMaps) {
		s.ConfigMaps = append(s.ConfigMaps, e.ConfigMaps[name].DeepCopy())
	}
	if e.Settings != nil {
		s.Settings = e.Settings.DeepCopy()
	}
	s.addServices(e)
	s.rewrite()
	if len(s.ports) > maxPort-FirstPort {
		return nil, fmt.Errorf("the Ingresses use %d ports of Services: there can be stand-ins for at most %d", len(s.ports), maxPort-FirstPort)
	}
	if err := s.addSecrets(); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(s.made) {
		s.Services = append(s.Services, s.made[name])
	}
	s.writeNotes()
	return s, nil
}

// Ports of the Pods that stand in for Services: from FirstPort to the last one.
func (s *StandIns) Ports() (first, last int) { return FirstPort, FirstPort + max(1, len(s.ports)) - 1 }

// Port returns the port of the Pods that stands in for a port of a Service; 0 if none does.
func (s *StandIns) Port(service types.NamespacedName, number int32) int {
	return s.ports[servicePort{service, number}]
}

func (s *StandIns) addServices(e *estate.Estate) {
	hasServices := map[string]bool{} // by namespace
	for name := range e.Services {
		hasServices[name.Namespace] = true
	}
	for _, ingress := range s.Ingresses {
		backends := estate.Backends(ingress)
		if name, _ := estate.Annotation(ingress, "default-backend"); name != "" {
			backends = append(backends, networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: name}})
		}
		for _, backend := range backends {
			if backend.Service == nil {
				continue
			}
			name := types.NamespacedName{Namespace: ingress.Namespace, Name: backend.Service.Name}
			original, found := e.Services[name]
			switch {
			case found && original.Spec.Type == corev1.ServiceTypeExternalName:
				s.addExternal(original, backend.Service.Port)
			case found:
				s.addService(original)
			case hasServices[name.Namespace]:
				s.note("stay missing, because the input has other Services of their namespaces, but not these", name.String())
			default:
				s.note("are made up, because the input has no Service of their namespaces", name.String())
				s.makeUp(name, backend.Service.Port)
			}
		}
	}
}

// addService adds a copy of a Service that leads to stand-ins.
func (s *StandIns) addService(original *corev1.Service) {
	name := estate.Key(original)
	if s.made[name] != nil {
		return
	}
	service := newService(name)
	service.Annotations = original.Annotations
	if original.Spec.ClusterIP == corev1.ClusterIPNone {
		service.Spec.ClusterIP = corev1.ClusterIPNone
	}
	for _, port := range original.Spec.Ports {
		if port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
			continue
		}
		s.addPort(service, corev1.ServicePort{Name: port.Name, Port: port.Port, AppProtocol: port.AppProtocol})
	}
	s.made[name] = service
}

// makeUp adds a Service for what an Ingress says about it.
func (s *StandIns) makeUp(name types.NamespacedName, port networkingv1.ServiceBackendPort) {
	service := s.made[name]
	if service == nil {
		service = newService(name)
		s.made[name] = service
	}
	added := corev1.ServicePort{Name: port.Name, Port: port.Number}
	switch {
	case port.Name != "":
		added.Port = int32(8000 + len(service.Spec.Ports))
	case port.Number == 0:
		added.Port = 80
	}
	for _, known := range service.Spec.Ports {
		if known.Port == added.Port || port.Name != "" && known.Name == port.Name {
			return
		}
	}
	if added.Name == "" { // several ports need names
		added.Name = "p" + strconv.Itoa(int(added.Port))
	}
	s.addPort(service, added)
}

// addExternal adds a Service of type ExternalName whose name leads to a stand-in.
func (s *StandIns) addExternal(original *corev1.Service, port networkingv1.ServiceBackendPort) {
	name := estate.Key(original)
	target := types.NamespacedName{Namespace: s.options.Namespace, Name: shortName("external", original.Spec.ExternalName)}
	s.note("lead to stand-ins in place of names outside the cluster", name.String())
	number := port.Number
	if number == 0 {
		number = 80
	}
	if s.made[target] == nil {
		s.made[target] = newService(target)
	}
	if s.Port(target, number) == 0 {
		s.addPort(s.made[target], corev1.ServicePort{Name: "p" + strconv.Itoa(int(number)), Port: number})
	}
	s.Backends[s.Port(target, number)] = fmt.Sprintf("%s:%d", name, number)
	service := newService(name)
	service.Annotations = original.Annotations
	service.Spec.Type, service.Spec.ExternalName = corev1.ServiceTypeExternalName, hostOf(target)
	for _, port := range original.Spec.Ports {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: port.Name, Port: port.Port, AppProtocol: port.AppProtocol})
	}
	s.made[name] = service
}

// hostOf is the name of a Service in the DNS of the cluster.
func hostOf(service types.NamespacedName) string {
	return service.Name + "." + service.Namespace + ".svc.cluster.local"
}

// addPort adds a port with a stand-in of its own.
func (s *StandIns) addPort(service *corev1.Service, port corev1.ServicePort) {
	name := estate.Key(service)
	number := FirstPort + len(s.ports)
	s.addPortAt(service, port, number)
	label := port.Name
	if label == "" {
		label = strconv.Itoa(int(port.Port))
	}
	s.Backends[number] = name.String() + ":" + label
}

func (s *StandIns) addPortAt(service *corev1.Service, port corev1.ServicePort, number int) {
	port.Protocol, port.TargetPort = corev1.ProtocolTCP, intstr.FromInt32(int32(number))
	service.Spec.Ports = append(service.Spec.Ports, port)
	s.ports[servicePort{estate.Key(service), port.Port}] = number
}

func newService(name types.NamespacedName) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP},
	}
}

// note collects the objects that a sentence is about.
func (s *StandIns) note(sentence, object string) {
	if s.notes[sentence] == nil {
		s.notes[sentence] = map[string]bool{}
	}
	s.notes[sentence][object] = true
}

func (s *StandIns) writeNotes() {
	const most = 5
	for _, sentence := range slices.Sorted(maps.Keys(s.notes)) {
		objects := slices.Sorted(maps.Keys(s.notes[sentence]))
		text := strings.Join(objects[:min(most, len(objects))], ", ")
		if more := len(objects) - most; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		s.Notes = append(s.Notes, text+" "+sentence)
	}
}

func sortedKeys[V any](objects map[types.NamespacedName]V) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(objects), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
}

// Backend returns the name of what answered by the name that a stand-in gives itself: "p" and its port.
func (s *StandIns) Backend(name string) string {
	number, err := strconv.Atoi(strings.TrimPrefix(name, "p"))
	if backend, ok := s.Backends[number]; ok && err == nil {
		return backend
	}
	return name
}
