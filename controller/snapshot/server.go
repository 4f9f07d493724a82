package snapshot

import (
	"net/netip"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/protection"
)

// addServer adds the addresses of an external server. Its host may be that of the routes of the Ingresses.
func (s *Snapshot) addServer(store Store, server string, ingresses ...*networkingv1.Ingress) {
	hosts := []string{server}
	if server == protection.HostVariable {
		hosts = nil
		for _, ingress := range ingresses {
			for _, rule := range ingress.Spec.Rules {
				hosts = append(hosts, strings.ToLower(rule.Host))
			}
		}
	}
	for _, host := range hosts {
		if _, err := netip.ParseAddr(host); err == nil || host == "" || strings.HasPrefix(host, "*") {
			continue
		}
		if key, ok := ServiceOfName(host); ok {
			s.addService(store, key)
			if service := s.Services[key]; service != nil && isAddress(service.Spec.ClusterIP) {
				continue
			}
		}
		s.Addresses[host] = store.Addresses(host)
	}
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
