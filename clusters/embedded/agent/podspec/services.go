//go:build linux

package podspec

import (
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// variable is an environment variable.
type variable struct{ name, value string }

// serviceVariables describe the Services of the Pod's namespace, as in "Discovering services" of the Kubernetes
// documentation: NAME_SERVICE_HOST, NAME_SERVICE_PORT and the variables of Docker's old links. The API server's own
// Service is always among them.
func serviceVariables(pod *corev1.Pod, services []*corev1.Service) []variable {
	links := pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks
	visible := map[string]*corev1.Service{}
	for _, s := range services {
		if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		apiServer := s.Namespace == metav1.NamespaceDefault && s.Name == "kubernetes"
		switch {
		case s.Namespace == pod.Namespace && (links || apiServer):
			visible[s.Name] = s
		case apiServer && visible[s.Name] == nil:
			visible[s.Name] = s
		}
	}
	names := make([]string, 0, len(visible))
	for name := range visible {
		names = append(names, name)
	}
	sort.Strings(names)
	var all []variable
	for _, name := range names {
		all = append(all, variablesOf(visible[name])...)
	}
	return all
}

func variablesOf(s *corev1.Service) []variable {
	if len(s.Spec.Ports) == 0 {
		return nil
	}
	prefix := variableName(s.Name)
	ip := s.Spec.ClusterIP
	first := s.Spec.Ports[0]
	all := []variable{
		{prefix + "_SERVICE_HOST", ip},
		{prefix + "_SERVICE_PORT", strconv.Itoa(int(first.Port))},
	}
	for _, p := range s.Spec.Ports {
		if p.Name != "" {
			all = append(all, variable{prefix + "_SERVICE_PORT_" + variableName(p.Name), strconv.Itoa(int(p.Port))})
		}
	}
	for i, p := range s.Spec.Ports {
		protocol := string(p.Protocol)
		if protocol == "" {
			protocol = string(corev1.ProtocolTCP)
		}
		port := strconv.Itoa(int(p.Port))
		url := strings.ToLower(protocol) + "://" + net.JoinHostPort(ip, port)
		if i == 0 {
			all = append(all, variable{prefix + "_PORT", url})
		}
		link := fmt.Sprintf("%s_PORT_%s_%s", prefix, port, strings.ToUpper(protocol))
		all = append(all,
			variable{link, url}, variable{link + "_PROTO", strings.ToLower(protocol)},
			variable{link + "_PORT", port}, variable{link + "_ADDR", ip})
	}
	return all
}

func variableName(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
