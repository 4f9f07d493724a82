//go:build linux

package lifecycle

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// DNS is how Pods resolve names.
type DNS struct {
	// Server is the cluster's DNS server. Without one, Pods use those of the node.
	Server netip.Addr
	// Domain of the cluster, such as "cluster.local".
	Domain string
	// NodeFile is the node's own resolv.conf.
	NodeFile string
}

// resolvConf returns a Pod's /etc/resolv.conf (Kubernetes documentation, "Pod's DNS Policy").
func (d DNS) resolvConf(pod *corev1.Pod, node string) string {
	var servers, searches, options []string
	clusterFirst := pod.Spec.DNSPolicy == corev1.DNSClusterFirstWithHostNet ||
		pod.Spec.DNSPolicy == corev1.DNSClusterFirst && !pod.Spec.HostNetwork || pod.Spec.DNSPolicy == ""
	switch {
	case pod.Spec.DNSPolicy == corev1.DNSNone:
	case clusterFirst && d.Server.IsValid():
		servers = []string{d.Server.String()}
		searches = []string{pod.Namespace + ".svc." + d.Domain, "svc." + d.Domain, d.Domain}
		options = []string{"ndots:5"}
	default:
		servers, searches, options = parseResolvConf(node)
	}
	if c := pod.Spec.DNSConfig; c != nil {
		servers = merge(servers, c.Nameservers)
		searches = merge(searches, c.Searches)
		for _, o := range c.Options {
			options = mergeOption(options, o)
		}
	}
	var b strings.Builder
	if len(searches) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(searches, " "))
	}
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(options, " "))
	}
	return b.String()
}

func parseResolvConf(text string) (servers, searches, options []string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			servers = append(servers, fields[1])
		case "search":
			searches = fields[1:]
		case "options":
			options = append(options, fields[1:]...)
		}
	}
	return servers, searches, options
}

func merge(list, more []string) []string {
	for _, m := range more {
		known := false
		for _, l := range list {
			known = known || l == m
		}
		if !known {
			list = append(list, m)
		}
	}
	return list
}

// mergeOption adds an option, or replaces one of the same name.
func mergeOption(options []string, o corev1.PodDNSConfigOption) []string {
	text := o.Name
	if o.Value != nil {
		text += ":" + *o.Value
	}
	for i, have := range options {
		if name, _, _ := strings.Cut(have, ":"); name == o.Name {
			options[i] = text
			return options
		}
	}
	return append(options, text)
}

// hosts returns a Pod's /etc/hosts; node is that of the node, for Pods on its network.
func hosts(pod *corev1.Pod, ips []netip.Addr, domain, node string) string {
	var b strings.Builder
	if pod.Spec.HostNetwork {
		b.WriteString(node)
	} else {
		b.WriteString("# Kubernetes-managed hosts file.\n" +
			"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
			"fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n")
		name := podspec.Hostname(pod)
		if fqdn := podspec.FQDN(pod, domain); fqdn != "" {
			name = fqdn + "\t" + name
		}
		for _, ip := range ips {
			fmt.Fprintf(&b, "%s\t%s\n", ip, name)
		}
	}
	if len(pod.Spec.HostAliases) > 0 {
		b.WriteString("\n# Entries added by HostAliases.\n")
	}
	for _, alias := range pod.Spec.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, "\t"))
	}
	return b.String()
}

// writeFiles writes the files in /etc that all containers of a Pod share, and creates their shared memory.
func (r *resources) writeFiles(context.Context) error {
	nodeResolv, err := os.ReadFile(r.node.DNS.NodeFile)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the node's name servers: %w", err)
	}
	nodeHosts, err := os.ReadFile("/etc/hosts")
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the node's hosts: %w", err)
	}
	pod := r.state.get().Pod
	box, _ := r.shared()
	for name, text := range map[string]string{
		"resolv.conf": r.node.DNS.resolvConf(pod, string(nodeResolv)),
		"hosts":       hosts(pod, box.IPs(), r.node.DNS.Domain, string(nodeHosts)),
		"hostname":    podspec.Hostname(pod) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	shm := filepath.Join(r.dir, "shm")
	if err := os.MkdirAll(shm, 0o755); err != nil {
		return fmt.Errorf("creating shared memory: %w", err)
	}
	return os.Chmod(shm, 0o777|os.ModeSticky)
}

// fileMounts are the mounts of what writeFiles created, except where the container has a mount of its own.
func (r *resources) fileMounts(c *corev1.Container) []container.Mount {
	mounts := []container.Mount{
		{Source: filepath.Join(r.dir, "resolv.conf"), Destination: "/etc/resolv.conf"},
		{Source: filepath.Join(r.dir, "hosts"), Destination: "/etc/hosts"},
		{Source: filepath.Join(r.dir, "hostname"), Destination: "/etc/hostname"},
		{Source: filepath.Join(r.dir, "shm"), Destination: "/dev/shm"},
	}
	for _, m := range c.VolumeMounts {
		for i := range mounts {
			if mounts[i].Destination == filepath.Clean(m.MountPath) {
				mounts = append(mounts[:i], mounts[i+1:]...)
				break
			}
		}
	}
	return mounts
}
