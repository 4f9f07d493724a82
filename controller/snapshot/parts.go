package snapshot

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
)

// Part is some Ingresses of a Snapshot whose translation doesn't depend on the others. No host is that of two parts.
type Part struct {
	// Ingresses in the order of the Snapshot.
	Ingresses []*networkingv1.Ingress
	// Common marks the part of what belongs to no single host: the Ingresses without a host, and what the settings name. A
	// Snapshot has one such part, perhaps without Ingresses.
	Common bool
	whole  *Snapshot
}

// Parts divides the Snapshot. The first part is the common one.
func (s *Snapshot) Parts() []Part {
	common := len(s.Ingresses)
	all := make([]*references, common)
	for i, ingress := range s.Ingresses {
		all[i] = s.referencesOf(ingress)
	}
	sets := s.connect(all)
	parts := []Part{{Common: true, whole: s}}
	index := map[int]int{sets.of(common): 0}
	for i, ingress := range s.Ingresses {
		set := sets.of(i)
		at, known := index[set]
		if !known {
			at = len(parts)
			index[set] = at
			parts = append(parts, Part{whole: s})
		}
		parts[at].Ingresses = append(parts[at].Ingresses, ingress)
	}
	return parts
}

// connect joins the Ingresses that depend on each other, by their numbers; the number after theirs stands for the common part.
func (s *Snapshot) connect(all []*references) sets {
	sets := newSets(len(all) + 1)
	first, wildcards := make(map[string]int, 2*len(all)), map[string]int{}
	first[""] = len(all)
	join := func(key string, i int) {
		if other, taken := first[key]; taken {
			sets.join(i, other)
		} else {
			first[key] = i
		}
	}
	mode := s.Settings.Compatibility
	byService := mode.Reproduces(compatibility.AffinityByService) || mode.Reproduces(compatibility.CanaryByService)
	for i, r := range all {
		for _, host := range r.shared {
			join(host, i)
		}
		for _, host := range r.wildcards {
			wildcards[host] = i
		}
		if byService {
			for _, service := range r.services {
				join(service.String(), i) // with a slash, which no host has
			}
		}
	}
	if len(wildcards) > 0 {
		sets.joinParents(all, wildcards)
	}
	return sets
}

// joinParents joins Ingresses with those that have certificates for their hosts.
func (s sets) joinParents(all []*references, wildcards map[string]int) {
	for i, r := range all {
		for _, host := range r.parents {
			if other, found := wildcards[host]; found {
				s.join(i, other)
			}
		}
	}
}

// Snapshot is the part alone.
func (p Part) Snapshot() *Snapshot {
	store := snapshotStore{p.whole}
	s := empty(p.whole.Settings)
	s.Ingresses, s.ConfigMap = p.Ingresses, p.whole.ConfigMap
	s.references, s.server = p.whole.references, p.whole.server
	for _, ingress := range p.Ingresses {
		s.addReferences(store, p.whole.referencesOf(ingress))
	}
	if p.Common {
		s.addSettings(store)
	}
	return s
}

// Inputs are the objects in the part's Snapshot. If they are the same, in the same order, as those of a part of another
// Snapshot with the same settings and the same GlobalInputs, the two parts are the same.
func (p Part) Inputs() []any {
	inputs := make(inputs, 0, 5*len(p.Ingresses))
	for _, ingress := range p.Ingresses {
		inputs = append(inputs, ingress)
		r := p.whole.referencesOf(ingress)
		for i, key := range r.services {
			if i == 0 || r.services[i-1] != key { // the paths of an Ingress often lead to one Service
				inputs.addService(p.whole, key)
			}
		}
		for _, key := range r.secrets {
			inputs = append(inputs, p.whole.Secrets[key])
		}
		for _, key := range r.configMaps {
			inputs = append(inputs, p.whole.ConfigMaps[key])
		}
		for _, host := range r.servers {
			if key, ok := ServiceOfName(host); ok {
				inputs.addService(p.whole, key)
			}
			inputs.addAddresses(p.whole, host)
		}
	}
	if p.Common {
		inputs.addSettings(p.whole)
	}
	return inputs
}

// GlobalInputs are the objects that all parts depend on: those that the ConfigMap of the settings is and names.
func (s *Snapshot) GlobalInputs() []any {
	inputs := []any{s.ConfigMap}
	if s.ConfigMap != nil {
		for _, key := range config.GlobalHeaderMaps(s.ConfigMap.Data) {
			inputs = append(inputs, s.ConfigMaps[key])
		}
	}
	return inputs
}

// inputs are pointers to objects, and addresses.
type inputs []any

func (i *inputs) addService(s *Snapshot, key types.NamespacedName) {
	service := s.Services[key]
	*i = append(*i, service)
	if service != nil && service.Spec.Type == corev1.ServiceTypeExternalName {
		i.addAddresses(s, service.Spec.ExternalName)
		return
	}
	for _, slice := range s.EndpointSlices[key] {
		*i = append(*i, slice)
	}
}

func (i *inputs) addAddresses(s *Snapshot, host string) {
	for _, address := range s.Addresses[host] {
		*i = append(*i, address)
	}
}

func (i *inputs) addSettings(s *Snapshot) {
	i.addService(s, s.Settings.DefaultBackend)
	*i = append(*i, s.Secrets[s.Settings.DefaultCertificate])
	for _, key := range []types.NamespacedName{s.Settings.TCPServices, s.Settings.UDPServices} {
		held := s.ConfigMaps[key]
		*i = append(*i, held)
		for _, service := range streamed(held) {
			i.addService(s, service)
		}
	}
}

// snapshotStore looks objects up in a Snapshot.
type snapshotStore struct{ taken *Snapshot }

var _ Store = snapshotStore{}

func (s snapshotStore) Ingresses() []*networkingv1.Ingress           { return s.taken.Ingresses }
func (s snapshotStore) IngressClasses() []*networkingv1.IngressClass { return nil }
func (s snapshotStore) Service(key types.NamespacedName) *corev1.Service {
	return s.taken.Services[key]
}
func (s snapshotStore) Secret(key types.NamespacedName) *corev1.Secret { return s.taken.Secrets[key] }
func (s snapshotStore) ConfigMap(key types.NamespacedName) *corev1.ConfigMap {
	return s.taken.ConfigMaps[key]
}
func (s snapshotStore) Addresses(host string) []netip.Addr { return s.taken.Addresses[host] }

func (s snapshotStore) EndpointSlices(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	return s.taken.EndpointSlices[service]
}

// sets are disjoint sets of numbers, which can be joined (R. E. Tarjan, "Efficiency of a good but not linear set union
// algorithm", 1975).
type sets []int

func newSets(count int) sets {
	s := make(sets, count)
	for i := range s {
		s[i] = i
	}
	return s
}

// of is the number that stands for the set of a number.
func (s sets) of(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

func (s sets) join(i, j int) { s[s.of(i)] = s.of(j) }

// streamed lists the Services of a ConfigMap of TCP or UDP services, in the order of the ports.
func streamed(held *corev1.ConfigMap) []types.NamespacedName {
	if held == nil {
		return nil
	}
	ports := make([]string, 0, len(held.Data))
	for port := range held.Data {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	var services []types.NamespacedName
	for _, port := range ports {
		if backend, err := config.ParseStreamBackend(held.Data[port]); err == nil {
			services = append(services, backend.Service)
		}
	}
	return services
}
