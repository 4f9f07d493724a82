package admission

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// safeSysctls affect nothing but the Pod that sets them (Kubernetes documentation, "Safe and Unsafe Sysctls").
func safeSysctls() []string {
	return []string{
		"kernel.shm_rmid_forced",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.ip_local_reserved_ports",
		"net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ping_group_range",
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_keepalive_time",
		"net.ipv4.tcp_notsent_lowat",
		"net.ipv4.tcp_rmem",
		"net.ipv4.tcp_slow_start_after_idle",
		"net.ipv4.tcp_syncookies",
		"net.ipv4.tcp_wmem",
	}
}

// checkSysctls rejects sysctls that are not safe, as a kubelet without --allowed-unsafe-sysctls does, and those of
// namespaces that the Pod shares with the node.
func checkSysctls(pod *corev1.Pod) *Rejection {
	if pod.Spec.SecurityContext == nil {
		return nil
	}
	for _, s := range pod.Spec.SecurityContext.Sysctls {
		name := sysctlName(s.Name)
		network := strings.HasPrefix(name, "net.")
		switch {
		case !slices.Contains(safeSysctls(), name):
			return &Rejection{ReasonSysctl, fmt.Sprintf("forbidden sysctl: %q not allowlisted", name)}
		case network && pod.Spec.HostNetwork:
			return &Rejection{ReasonSysctl, fmt.Sprintf("forbidden sysctl: %q not allowed with host net enabled", name)}
		case !network && pod.Spec.HostIPC:
			return &Rejection{ReasonSysctl, fmt.Sprintf("forbidden sysctl: %q not allowed with host ipc enabled", name)}
		}
	}
	return nil
}

// sysctlName returns a sysctl's name with dots as separators. One whose first separator is a slash has slashes, and its
// dots belong to its elements, such as an interface's name (sysctl.d(5)).
func sysctlName(name string) string {
	if i := strings.IndexAny(name, "./"); i < 0 || name[i] == '.' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, name)
}
