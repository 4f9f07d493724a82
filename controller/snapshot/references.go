package snapshot

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/config/mirroring"
	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/replies"
)

// references are the names of what an Ingress refers to, with repetitions. They depend on the Ingress, on the prefix of
// annotations and on the ConfigMap's external server alone, so that the next Snapshot takes them over.
type references struct {
	services, secrets, configMaps []types.NamespacedName
	// servers are the hosts of external servers.
	servers []string
	// shared are the hosts whose routes or certificates depend on all Ingresses that have them; "" stands for those that no
	// rule names.
	shared []string
	// wildcards are those among its hosts that it may have certificates for, parents those of other Ingresses that have
	// certificates for its own hosts.
	wildcards, parents []string
}

// readReferences reads those of an Ingress. The server is that of the ConfigMap; "" if it has none.
func readReferences(ingress *networkingv1.Ingress, prefix, server string) *references {
	r := &references{configMaps: config.HeaderMaps(prefix, ingress.Annotations)}
	if params, ok := config.FastCGIParams(prefix, ingress.Namespace, ingress.Annotations); ok {
		r.configMaps = append(r.configMaps, params)
	}
	own := func(name string) types.NamespacedName {
		return types.NamespacedName{Namespace: ingress.Namespace, Name: name}
	}
	for _, name := range serviceNames(ingress) {
		r.services = append(r.services, own(name))
	}
	if name, ok := replies.ErrorBackend(prefix, ingress.Annotations); ok {
		r.services = append(r.services, own(name))
	}
	for _, tls := range ingress.Spec.TLS {
		r.secrets = append(r.secrets, own(tls.SecretName))
	}
	if name, ok := config.BackendSecret(prefix, ingress.Namespace, ingress.Annotations); ok {
		r.secrets = append(r.secrets, own(name))
	}
	for _, name := range protection.Secrets(prefix, ingress.Namespace, ingress.Annotations) {
		r.secrets = append(r.secrets, own(name))
	}
	if host, ok := mirroring.Server(prefix, ingress.Annotations); ok {
		r.addServer(ingress, host)
	}
	if host, ok := protection.AuthServer(prefix, ingress.Annotations); ok {
		r.addServer(ingress, host)
	}
	r.addServer(ingress, server)
	r.addHosts(ingress, config.HostAliases(prefix, ingress.Annotations))
	return r
}

// addServer adds an external server. Its host may be that of the routes of the Ingress.
func (r *references) addServer(ingress *networkingv1.Ingress, host string) {
	switch host {
	case "":
	case protection.HostVariable:
		for _, rule := range ingress.Spec.Rules {
			r.servers = append(r.servers, strings.ToLower(rule.Host))
		}
	default:
		r.servers = append(r.servers, host)
	}
}

func (r *references) addHosts(ingress *networkingv1.Ingress, aliases []string) {
	if ingress.Spec.DefaultBackend != nil {
		r.shared = append(r.shared, "")
	}
	listed := map[string]bool{}
	for _, tls := range ingress.Spec.TLS {
		for _, host := range tls.Hosts {
			listed[strings.ToLower(host)] = true
		}
	}
	var own []string
	for _, rule := range ingress.Spec.Rules {
		host := strings.ToLower(rule.Host)
		r.shared = append(r.shared, withoutWWW(host))
		own = append(own, host)
		if _, parent, found := strings.Cut(host, "."); found && !listed[host] {
			r.parents = append(r.parents, "*."+parent)
		}
	}
	if slices.Contains(own, "") || !slices.ContainsFunc(own, isHost) { // the hosts that TLS sections list get certificates then
		for host := range listed {
			r.shared = append(r.shared, withoutWWW(host))
			own = append(own, host)
		}
	}
	for _, alias := range aliases {
		r.shared = append(r.shared, withoutWWW(alias))
	}
	if len(ingress.Spec.TLS) > 0 {
		r.wildcards = slices.DeleteFunc(own, func(host string) bool { return !strings.HasPrefix(host, "*.") })
	}
}

// isHost reports whether a rule's host is one that can be served.
func isHost(host string) bool {
	return len(validation.IsDNS1123Subdomain(strings.TrimPrefix(host, "*."))) == 0
}

// withoutWWW makes the hosts equal that from-to-www-redirect leads from and to.
func withoutWWW(host string) string {
	for strings.HasPrefix(host, "www.") {
		host = host[len("www."):]
	}
	return host
}

// serviceNames lists the Services that an Ingress refers to, with repetitions.
func serviceNames(ingress *networkingv1.Ingress) []string {
	var names []string
	add := func(backend *networkingv1.IngressBackend) {
		if backend != nil && backend.Service != nil {
			names = append(names, backend.Service.Name)
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
	return names
}
