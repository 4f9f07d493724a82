//go:build linux

// Package agent is the node agent of the embedded cluster. It does for its node what the kubelet and a container engine
// do on a real one: it registers the Node, runs the Pods that are bound to it as processes in namespaces and serves the
// kubelet's API for logs, exec, attach and port forwarding.
//
// What differs from a kubelet, on purpose:
//   - Images come from a store that all nodes share, into which archives are loaded and the host's network pulls. An image
//     that was loaded is used whatever its pull policy is; see package imagepull.
//   - Resource limits are accepted and reported, but not enforced: there may be no cgroup that could. Only limits of
//     ephemeral storage and of emptyDir volumes in memory are.
//   - There is no seccomp, AppArmor or SELinux profile.
//   - Persistent volumes, device plugins and static Pods don't exist.
//   - Files of ConfigMap and Secret volumes follow their objects at once instead of within a minute.
//   - A container that has never been ready is probed several times a second at first.
package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/sandbox"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

// Config is the configuration of the agent of one node.
type Config struct {
	NodeName string
	// InternalIP is the node's address among the nodes; the kubelet's API listens on it. ExternalIP may be zero.
	InternalIP, ExternalIP netip.Addr
	// PodCIDR is the range of the node's Pods, which the Node announces to the network plugin and others.
	PodCIDR netip.Prefix
	// Labels and Taints of the Node beside the standard ones.
	Labels map[string]string
	Taints []corev1.Taint

	// Kubeconfig with which the agent talks to the API server, as user system:node:NAME or an administrator.
	Kubeconfig string
	// ServingCert and ServingKey are the PEM files that the kubelet's API is served with; ClientCA signs the certificates of its
	// clients.
	ServingCert, ServingKey, ClientCA string

	// CNIConfDir has the network configuration, of which the first by name counts. It may appear after the agent has
	// started: until then the Node is not ready. CNIBinDir has the plugins, and CNICacheDir is the library's own.
	CNIConfDir, CNIBinDir, CNICacheDir string

	// StateDir is the agent's own, on a tmpfs. ImageDir is the image store that all nodes share.
	StateDir, ImageDir string
	// Registries pulls images into the store. LoadCommand is how users load an archive into it.
	Registries  imagepull.Remote
	LoadCommand string
	// LogDir has a folder of logs for each Pod. Logs outlive their Pods.
	LogDir string
	// LogLimits bound the log of each container; the zero value is the kubelet's default, five files of 10 MiB.
	LogLimits crilog.Limits

	// ClusterDNS is the cluster's DNS server; without one, Pods have the node's resolv.conf.
	ClusterDNS    netip.Addr
	ClusterDomain string

	// KubeletVersion is what the Node says it runs, such as "v1.37.2".
	KubeletVersion string
	// ContainerInit is the program that becomes each container when called with container.InitArgument; "" is the
	// running program.
	ContainerInit string

	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	var missing []error
	for name, value := range map[string]string{
		"NodeName": c.NodeName, "Kubeconfig": c.Kubeconfig, "ServingCert": c.ServingCert, "ServingKey": c.ServingKey,
		"ClientCA": c.ClientCA, "CNIConfDir": c.CNIConfDir, "CNIBinDir": c.CNIBinDir, "CNICacheDir": c.CNICacheDir,
		"StateDir": c.StateDir, "ImageDir": c.ImageDir, "LogDir": c.LogDir, "KubeletVersion": c.KubeletVersion,
	} {
		if value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", name))
		}
	}
	if !c.InternalIP.IsValid() {
		missing = append(missing, errors.New("InternalIP is not set"))
	}
	if err := errors.Join(missing...); err != nil {
		return c, fmt.Errorf("configuration of node agent %s: %w", c.NodeName, err)
	}
	if c.ClusterDomain == "" {
		c.ClusterDomain = "cluster.local"
	}
	if c.LogLimits == (crilog.Limits{}) {
		c.LogLimits = crilog.DefaultLimits()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("node", c.NodeName)
	return c, nil
}

// PodNetwork is where a running Pod is in the node's network.
type PodNetwork = sandbox.Record

// ErrNoPodNetwork is wrapped by ReadPodNetwork for a Pod that doesn't run on the node or uses the node's own network.
var ErrNoPodNetwork = sandbox.ErrNoRecord

// ReadPodNetwork returns which interface of a node leads to a Pod, for any process on the machine. It reads the file
// StateDir/sandboxes/<namespace>_<pod>.json that the node's agent keeps for each running Pod.
func ReadPodNetwork(stateDir, namespace, pod string) (PodNetwork, error) {
	return sandbox.ReadRecord(sandboxDir(stateDir), namespace, pod)
}

func sandboxDir(stateDir string) string { return filepath.Join(stateDir, "sandboxes") }

func podDir(stateDir string) string { return filepath.Join(stateDir, "pods") }
