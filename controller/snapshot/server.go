package snapshot

import (
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// addServer adds the addresses of an external server.
func (s *Snapshot) addServer(store Store, host string) {
	if _, err := netip.ParseAddr(host); err == nil || host == "" || strings.HasPrefix(host, "*") {
		return
	}
	if key, ok := ServiceOfName(host); ok {
		s.addService(store, key)
		if service := s.Services[key]; service != nil && isAddress(service.Spec.ClusterIP) {
			return
		}
	}
	s.Addresses[host] = store.Addresses(host)
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// ServiceOfName returns the Service that a DNS name of a cluster stands for: "name.namespace.svc", with or without the
// domain cluster.local (Kubernetes, "DNS for Services and Pods").
func ServiceOfName(host string) (key types.NamespacedName, ok bool) {
	host, ok = strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(host, "."), ".cluster.local"), ".svc")
	if !ok {
		return key, false
	}
	key.Name, key.Namespace, ok = strings.Cut(host, ".")
	return key, ok && key.Name != "" && key.Namespace != "" && !strings.Contains(key.Namespace, ".")
}
