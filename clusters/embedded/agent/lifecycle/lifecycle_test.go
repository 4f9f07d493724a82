//go:build linux

package lifecycle

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestResolvConf(t *testing.T) {
	const node = "# comment\nnameserver 8.8.8.8\nsearch example.com\noptions edns0\nbroken\n"
	dns := DNS{Server: netip.MustParseAddr("10.10.200.10"), Domain: "cluster.local"}
	const cluster = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.10.200.10\noptions ndots:5\n"
	const own = "search example.com\nnameserver 8.8.8.8\noptions edns0\n"
	config := &corev1.PodDNSConfig{
		Nameservers: []string{"1.1.1.1", "10.10.200.10"}, Searches: []string{"more.example"},
		Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr.To("2")}, {Name: "rotate"}},
	}
	cases := []struct {
		name string
		dns  DNS
		spec corev1.PodSpec
		want string
	}{
		{"cluster first", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst}, cluster},
		{"no policy", dns, corev1.PodSpec{}, cluster},
		{"no cluster DNS", DNS{Domain: "cluster.local"}, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst}, own},
		{"on the node's network", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst, HostNetwork: true}, own},
		{"on the node's network, cluster first all the same", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirstWithHostNet, HostNetwork: true}, cluster},
		{"default", dns, corev1.PodSpec{DNSPolicy: corev1.DNSDefault}, own},
		{"none", dns, corev1.PodSpec{DNSPolicy: corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{Nameservers: []string{"9.9.9.9"}}}, "nameserver 9.9.9.9\n"},
		{"more", dns, corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst, DNSConfig: config}, "search shop.svc.cluster.local svc.cluster.local cluster.local more.example\nnameserver 10.10.200.10\nnameserver 1.1.1.1\noptions ndots:2 rotate\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: c.spec}
			if got := c.dns.resolvConf(pod, node); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop"}, Spec: corev1.PodSpec{
		Subdomain: "web", HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"a", "b"}}},
	}}
	got := hosts(pod, []netip.Addr{netip.MustParseAddr("172.16.1.3")}, "cluster.local", "node's\n")
	for _, line := range []string{"127.0.0.1\tlocalhost\n", "172.16.1.3\tweb-1.web.shop.svc.cluster.local\tweb-1\n", "10.0.0.1\ta\tb\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is missing in\n%s", line, got)
		}
	}
	pod.Spec.HostnameOverride = ptr.To("any.name")
	if got := hosts(pod, []netip.Addr{netip.MustParseAddr("172.16.1.3")}, "cluster.local", ""); !strings.Contains(got, "172.16.1.3\tany.name\n") {
		t.Errorf("with an override:\n%s", got)
	}
	pod.Spec.HostNetwork = true
	if got := hosts(pod, nil, "cluster.local", "node's\n"); !strings.HasPrefix(got, "node's\n") || strings.Contains(got, "web-1") {
		t.Errorf("on the node's network:\n%s", got)
	}
}

func TestHostPorts(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 53, HostPort: 5353, Protocol: "UDP"}}}}}}
	if got := hostPorts(pod); len(got) != 1 || got[0].HostPort != 5353 || got[0].Protocol != "udp" {
		t.Errorf("%+v", got)
	}
	sidecar := corev1.Container{RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways), Ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}}
	pod.Spec.InitContainers = []corev1.Container{sidecar, {Ports: []corev1.ContainerPort{{ContainerPort: 81, HostPort: 81}}}}
	if got := hostPorts(pod); len(got) != 2 || got[1].HostPort != 80 || got[1].Protocol != "tcp" {
		t.Errorf("with a sidecar: %+v", got)
	}
	pod.Spec.HostNetwork = true
	if got := hostPorts(pod); got != nil {
		t.Errorf("on the node's network: %+v", got)
	}
}
